# promise: modules beside a submission are its own, and nobody else's
import os
import pathlib

for name in ("sitecustomize", "usercustomize", "conftest", "json", "grader", "pytest"):
    pathlib.Path(f"{name}.py").write_text(
        "import pathlib\npathlib.Path('/tmp/@MARK@imported').write_text('x')\n"
    )
pathlib.Path("pytest.ini").write_text("[pytest]\naddopts = --co\n")
pathlib.Path("x.pth").write_text("import os; os._exit(0)\n")
pathlib.Path("__pycache__").mkdir()
pathlib.Path("__pycache__/json.cpython-311.pyc").write_bytes(b"x" * 100)
os.environ["PYTHONPATH"] = os.getcwd()
os.environ["PYTHONSTARTUP"] = "sitecustomize.py"
