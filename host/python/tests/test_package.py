"""What is installed is all that the package needs."""

import subprocess
import sys

IMPORTS = """
import sys
before = set(sys.modules)
import tidegate, tidegate.aio, tidegate.nodes, tidegate.testing
loaded = {name.partition(".")[0] for name in set(sys.modules) - before}
print(sorted(loaded - sys.stdlib_module_names))
"""


def test_it_imports_nothing_but_pythons_own_modules() -> None:
    output = subprocess.run([sys.executable, "-I", "-c", IMPORTS], check=True, capture_output=True, text=True)
    assert output.stdout.strip() == "['tidegate']"
