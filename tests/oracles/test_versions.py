"""The judges are the versions that they are said to be, and they do say no."""

import subprocess

import pytest

from tests.oracles.environments import ADAPTER, INTERPRETER, NPUIR, Environment, ensure, installed_version
from tests.oracles.judges import Rejected, bishengir_opt, lower_ttir, verify_hivm


@pytest.mark.parametrize("environment", [NPUIR, ADAPTER, INTERPRETER], ids=lambda e: e.name)
def test_version(environment: Environment) -> None:
    assert installed_version(ensure(environment)) == environment.version


def test_bishengir_opt_says_its_own_version() -> None:
    told = subprocess.run([bishengir_opt(), "--version"], check=True, capture_output=True, text=True).stdout
    assert told.startswith(f"bishengir-opt {NPUIR.version} ")


def test_the_adapter_rejects_an_add_of_different_types() -> None:
    text = """
    tt.func public @f(%x: i32, %y: i64) {
      %0 = "arith.addi"(%x, %y) : (i32, i64) -> i32
      tt.return
    }"""
    with pytest.raises(Rejected, match=r"arith\.addi"):
        lower_ttir(text)


def test_bishengir_opt_rejects_a_flag_between_no_pipes() -> None:
    with pytest.raises(Rejected, match="set_flag"):
        verify_hivm("func.func @f() { hivm.hir.set_flag[<PIPE_NOWHERE>, <PIPE_V>, <EVENT_ID0>]  return }")
