"""Tell how much CPU time a command takes: ``python3 tests/cpu_time.py make test``.

A shell's ``time`` lacks what outlives the process that started it, as parts of Chromium do. This
adopts such orphans. It needs Linux.
"""

import ctypes
import os
import resource
import subprocess
import sys

PR_SET_CHILD_SUBREAPER = 36

if __name__ == "__main__":
    if ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        sys.exit("this kernel lets nobody adopt orphans")
    command = subprocess.Popen(sys.argv[1:])
    code = 0
    try:
        # Orphans are adopted while the command runs, too: tests wait for some of them to be gone.
        while True:
            pid, status = os.wait()
            if pid == command.pid:
                code = command.returncode = os.waitstatus_to_exitcode(status)
    except ChildProcessError:
        pass
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"CPU time: {used.ru_utime:.1f} s user, {used.ru_stime:.1f} s system", file=sys.stderr)
    sys.exit(code)
