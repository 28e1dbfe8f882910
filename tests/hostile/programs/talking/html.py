# promise: no markup gets into a report
import os

tag = "<script>window.attacked=1</script><img src=x onerror=window.attacked=1>"
print(f"this is child, pid = {tag}, parent id = {os.getpid()}")
print("]]></failure>&lt;![CDATA[<a href='javascript:alert(1)'>")
raise ValueError(tag)
