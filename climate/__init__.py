"""Climate records, harmonized and forecast."""

import os
from pathlib import Path

# Read by the numerical libraries when they are first imported; results depend on them to the last bit.
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

CPU_INFO = Path("/proc/cpuinfo")

NUMPY_BEYOND_AVX2 = {"X86_V4": "avx512vl", "AVX512_ICL": "avx512_vbmi2", "AVX512_SPR": "avx512_fp16"}
"""Groups of instructions that NumPy 2.4 chooses by itself, and the processor's flag for each."""


def _cpu_flags() -> set[str]:
    """Instructions of this x86-64 processor, as Linux names them; empty elsewhere."""
    lines = CPU_INFO.read_text().splitlines() if CPU_INFO.exists() else []
    return set(next((line.partition(":")[2] for line in lines if line.startswith("flags")), "").split())


def _use_avx2() -> bool:
    """One instruction set for all x86-64 processors that have AVX2; False, and no change, on others."""
    flags = _cpu_flags()
    if "avx2" not in flags:
        return False
    os.environ["OPENBLAS_CORETYPE"] = "Haswell"
    newer = [group for group, flag in NUMPY_BEYOND_AVX2.items() if flag in flags]
    os.environ["NPY_DISABLE_CPU_FEATURES"] = " ".join(newer)
    others = [flag for flag in os.environ.get("XLA_FLAGS", "").split() if not flag.startswith("--xla_cpu_max_isa")]
    os.environ["XLA_FLAGS"] = " ".join([*others, "--xla_cpu_max_isa=AVX2"])
    return True


SAME_BYTES = _use_avx2()
"""Whether this machine is expected to give the committed report byte for byte."""
