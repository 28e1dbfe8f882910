#!/usr/bin/env bash
# Gradescope runs this once, as root, when it builds the autograder's image.
set -euo pipefail

autograder=${AUTOGRADER:-/autograder}
user=${FORKLAB_USER:-student}

# A Python that can run forklab and make virtual environments.
fits() {
    command -v "$1" >/dev/null &&
        "$1" -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

choose() {
    local candidate
    for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
        if fits "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    return 1
}

if ! python=$(choose); then
    apt-get update -qq
    apt-get install -y -qq python3 python3-venv ||
        echo "python3-venv could not be installed" >&2
    choose >/dev/null || apt-get install -y -qq python3.11 python3.11-venv || true
    if ! python=$(choose); then
        echo "forklab needs Python 3.11 or newer: choose a newer base image" >&2
        exit 1
    fi
fi

"$python" -m venv "$autograder/forklab"
"$autograder/forklab/bin/pip" install --quiet --disable-pip-version-check \
    --no-deps -r "$autograder/source/requirements.txt"
"$autograder/forklab/bin/python" -m compileall -q "$autograder/source/grader"

# Submissions are programs of strangers, and are no business of root's.
if [ "$(id -u)" = 0 ] && ! id "$user" >/dev/null 2>&1; then
    useradd --system --create-home --shell /usr/sbin/nologin "$user"
fi
chmod -R go=rX "$autograder/source" "$autograder/forklab"
