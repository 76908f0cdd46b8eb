"""Forms of small dialects that stand between the others: annotation, memref_ext, and what occurs of llvm."""

from compiler_core.ir.syntax.forms import form

form(
    "annotation.mark",
    "src values*",
    "$src {} (? keys = $keys ?) (? values = [$values : @values] ?) : @src",
    {"keys": "any"},
    results="",
)
form(
    "memref_ext.alloc_workspace",
    "workspace sizes* offset*",
    "($sizes) (? from $workspace ?) (? offset = [$offset] ?) {} : (? from @workspace to ?) @result",
    segments=True,
)
for _name in ("add", "sub", "mul", "sdiv", "udiv", "srem", "urem", "and", "or", "xor", "shl", "lshr", "ashr"):
    form(f"llvm.{_name}", "lhs rhs", "$lhs, $rhs {} : @result")
for _name in ("inttoptr", "ptrtoint", "bitcast", "trunc", "zext", "sext", "addrspacecast"):
    form(f"llvm.{_name}", "arg", "$arg {} : @arg to @result")
form("llvm.load", "addr", "$addr {} : @addr -> @result")
form("llvm.store", "value addr", "$value, $addr {} : @value, @addr", results="")
form("llvm.mlir.constant", "", "($value) {} : @result", {"value": "any"})
form("llvm.mlir.undef", "", "{} : @result")
form("llvm.mlir.zero", "", "{} : @result")
