// Pointers that a loop advances by a scalar become an offset that it carries.
// RUN: tilescope-opt %s -p structure-access | filecheck %s

// CHECK:      func.func public @rows
// CHECK:        scf.for {{.*}} iter_args(%[[AT:.*]] = %c0) -> (index)
// CHECK:          memref.reinterpret_cast %x_ptr to offset: [%[[AT]]], sizes: [64], strides: [1]
// CHECK:          %[[NEXT:.*]] = arith.addi %[[AT]], %{{.*}} : index
// CHECK-NEXT:     scf.yield %[[NEXT]] : index

"builtin.module"() ({
  "tt.func"() ({
  ^bb0(%x_ptr: !tt.ptr<f32>, %out_ptr: !tt.ptr<f32>, %n: i32):
    %i = "tt.make_range"() {end = 64 : i32, start = 0 : i32} : () -> tensor<64xi32>
    %xs = "tt.splat"(%x_ptr) : (!tt.ptr<f32>) -> tensor<64x!tt.ptr<f32>>
    %x_at = "tt.addptr"(%xs, %i) : (tensor<64x!tt.ptr<f32>>, tensor<64xi32>) -> tensor<64x!tt.ptr<f32>>
    %zero = "arith.constant"() {value = 0 : i32} : () -> i32
    %one = "arith.constant"() {value = 1 : i32} : () -> i32
    %outs = "tt.splat"(%out_ptr) : (!tt.ptr<f32>) -> tensor<64x!tt.ptr<f32>>
    %out_at = "tt.addptr"(%outs, %i) : (tensor<64x!tt.ptr<f32>>, tensor<64xi32>) -> tensor<64x!tt.ptr<f32>>
    %ns = "tt.splat"(%n) : (i32) -> tensor<64xi32>
    %end = "scf.for"(%zero, %n, %one, %x_at) ({
    ^bb0(%r: i32, %at: tensor<64x!tt.ptr<f32>>):
      %x = "tt.load"(%at) {operandSegmentSizes = array<i32: 1, 0, 0>} : (tensor<64x!tt.ptr<f32>>) -> tensor<64xf32>
      "tt.store"(%out_at, %x) : (tensor<64x!tt.ptr<f32>>, tensor<64xf32>) -> ()
      %next = "tt.addptr"(%at, %ns) : (tensor<64x!tt.ptr<f32>>, tensor<64xi32>) -> tensor<64x!tt.ptr<f32>>
      "scf.yield"(%next) : (tensor<64x!tt.ptr<f32>>) -> ()
    }) : (i32, i32, i32, tensor<64x!tt.ptr<f32>>) -> tensor<64x!tt.ptr<f32>>
    "tt.return"() : () -> ()
  }) {sym_name = "rows", function_type = (!tt.ptr<f32>, !tt.ptr<f32>, i32) -> (), sym_visibility = "public"} : () -> ()
}) : () -> ()
