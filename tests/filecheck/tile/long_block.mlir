// 65,536 floats in and out do not fit into UB: the block becomes a loop over tiles, here of an elementwise exp.
// RUN: tilescope-opt %s -p tile,assign-units | filecheck %s
// RUN: tilescope-opt %s -p tile --chip Ascend310P3 | filecheck %s --check-prefix=LARGER

// CHECK:      func.func @exp({{.*}} attributes {tilescope.core = "vector"}
// CHECK:        scf.for %tile = %{{.*}} to %c65536 step %c16384 {
// CHECK:          %[[AT:.*]] = arith.addi %o, %tile : index
// CHECK:          memref.reinterpret_cast %x_ptr to offset: [%[[AT]]], sizes: [16384], strides: [1]
// CHECK:          math.exp %{{.*}} {unit = "vector"} : tensor<16384xf32>
// LARGER:       step %c32768

"builtin.module"() ({
  "func.func"() ({
  ^bb0(%x_ptr: memref<?xf32>, %out_ptr: memref<?xf32>, %o: index):
    %x_view = "memref.reinterpret_cast"(%x_ptr, %o) {static_offsets = array<i64: -9223372036854775808>, static_sizes = array<i64: 65536>, static_strides = array<i64: 1>, operandSegmentSizes = array<i32: 1, 1, 0, 0>} : (memref<?xf32>, index) -> memref<65536xf32, strided<[1], offset: ?>>
    %x = "bufferization.to_tensor"(%x_view) {restrict} : (memref<65536xf32, strided<[1], offset: ?>>) -> tensor<65536xf32>
    %e = "math.exp"(%x) : (tensor<65536xf32>) -> tensor<65536xf32>
    %out_view = "memref.reinterpret_cast"(%out_ptr, %o) {static_offsets = array<i64: -9223372036854775808>, static_sizes = array<i64: 65536>, static_strides = array<i64: 1>, operandSegmentSizes = array<i32: 1, 1, 0, 0>} : (memref<?xf32>, index) -> memref<65536xf32, strided<[1], offset: ?>>
    "bufferization.materialize_in_destination"(%e, %out_view) {writable} : (tensor<65536xf32>, memref<65536xf32, strided<[1], offset: ?>>) -> ()
    "func.return"() : () -> ()
  }) {sym_name = "exp", function_type = (memref<?xf32>, memref<?xf32>, index) -> ()} : () -> ()
}) : () -> ()
