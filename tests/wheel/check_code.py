"""Check by disassembly which instructions the compiled module of a wheel has, and where.

    python tests/wheel/check_code.py dist/keye_vl_rs-*.whl

On x86-64 the AVX2 and AVX-512 kernels must exist and contain such instructions, and no other
function may, except code that is called only on a CPU that has them. Other architectures are not
checked. Needs `objdump`.
"""

from __future__ import annotations

import collections
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

# Functions that are compiled for a CPU feature and chosen at run time: kernels of this package,
# memchr's, half's conversion, and the compiler's own fused multiply-add.
_CHOSEN = re.compile(r"avx2|avx512|f16c|fmaf?_with_fma")
_FUNCTION = re.compile(r"^[0-9a-f]+ <(.+)>:$")
_INSTRUCTION = re.compile(r"^\s*[0-9a-f]+:\s+(\S+)\s*(.*)$")
# Instructions whose names start with "v" although every CPU has them.
_NOT_VECTOR = {"verr", "verw"}
_LEAST = {"avx2": ("ymm", 200), "avx512": ("zmm", 200)}


def functions_with_vectors(disassembly: str) -> dict[str, collections.Counter[str]]:
    """Return, by function, how many instructions are of AVX or later, by register type."""
    found: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    function = ""
    for line in disassembly.splitlines():
        if match := _FUNCTION.match(line):
            function = match[1]
        elif match := _INSTRUCTION.match(line):
            name, operands = match.groups()
            if name.startswith("v") and name not in _NOT_VECTOR:
                register = next((r for r in ("zmm", "ymm", "xmm") if r in operands), "other")
                found[function][register] += 1
    return found


def faults(disassembly: str) -> list[str]:
    """Return the violations."""
    found = functions_with_vectors(disassembly)
    wrong = [
        f"{function} has AVX instructions and is not chosen by CPU"
        for function in found
        if not _CHOSEN.search(function)
    ]
    for level, (register, least) in _LEAST.items():
        count = sum(
            counts[register]
            for function, counts in found.items()
            if "keye_vl_core" in function and level in function
        )
        print(f"{level}: {count:,} instructions on {register} registers")
        if count < least:
            wrong.append(f"{level} kernels have {count} instructions on {register}: under {least}")
    return wrong


def main(wheel: str) -> int:
    """Run the program; return 1 if there is a violation."""
    if "x86_64" not in wheel and "amd64" not in wheel:
        print(f"{wheel} is not for x86-64: nothing to show")
        return 0
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(wheel) as files:
        (module,) = (name for name in files.namelist() if Path(name).suffix in (".so", ".pyd"))
        path = files.extract(module, folder)
        command = ["objdump", "--disassemble", "--no-show-raw-insn", path]
        disassembly = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    wrong = faults(disassembly)
    print("\n".join(wrong) or "no other function depends on them")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
