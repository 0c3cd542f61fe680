"""Climate records, harmonized and forecast."""

import os
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

# Read by the numerical libraries when they are first imported; results depend on them to the last bit.
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# Read by glibc when a worker process starts: training networks in one arena needs a quarter less memory.
os.environ.setdefault("MALLOC_ARENA_MAX", "1")

CPU_INFO = Path("/proc/cpuinfo")

NUMPY_BEYOND_AVX2 = {"X86_V4": "avx512vl", "AVX512_ICL": "avx512_vbmi2", "AVX512_SPR": "avx512_fp16"}
"""Groups of instructions that NumPy 2.4 chooses by itself, and the processor's flag for each."""

TENSORFLOW = ("tensorflow-cpu", "tensorflow")
"""Names under which TensorFlow may be installed."""

XLA_OPTIONS = {
    "--xla_cpu_max_isa=AVX2": (2, 19),
    "--xla_cpu_enable_platform_dependent_math=false": (2, 21),
    # no matrix products by YNNPACK, which chooses its kernels by the processor whatever XLA may use
    "--xla_cpu_experimental_ynn_fusion_type=": (2, 21),
}
"""Option of XLA -> the first TensorFlow that knows it; one that it does not know ends the process."""


def _cpu_flags() -> set[str]:
    """Instructions of this x86-64 processor, as Linux names them; empty elsewhere."""
    lines = CPU_INFO.read_text().splitlines() if CPU_INFO.exists() else []
    return set(next((line.partition(":")[2] for line in lines if line.startswith("flags")), "").split())


def _tensorflow() -> tuple[int, ...]:
    """Version of TensorFlow, as far as its first two numbers; () without it."""
    for name in TENSORFLOW:
        with suppress(PackageNotFoundError):
            return tuple(int(number) for number in version(name).split(".")[:2])
    return ()


def _use_avx2() -> bool:
    """The same instructions on all x86-64 processors that have AVX2; False, and no change, on others."""
    flags = _cpu_flags()
    if "avx2" not in flags:
        return False
    os.environ["OPENBLAS_CORETYPE"] = "Haswell"
    os.environ["ONEDNN_MAX_CPU_ISA"] = "AVX2"  # TensorFlow and XLA multiply matrices with it even where it is off
    newer = [group for group, flag in NUMPY_BEYOND_AVX2.items() if flag in flags]
    os.environ["NPY_DISABLE_CPU_FEATURES"] = " ".join(newer)
    installed, names = _tensorflow(), tuple(option.partition("=")[0] for option in XLA_OPTIONS)
    others = [option for option in os.environ.get("XLA_FLAGS", "").split() if not option.startswith(names)]
    ours = [option for option, since in XLA_OPTIONS.items() if installed >= since]
    os.environ["XLA_FLAGS"] = " ".join([*others, *ours])
    return True


SAME_BYTES = _use_avx2()
"""Whether this machine is expected to give the committed report byte for byte."""
