// Addresses that depend on loaded data are no rectangle.
// RUN: not tilescope-opt %s -p structure-access | filecheck %s

// CHECK: The addresses of this tl.load depend on data loaded in line 12 (a gather).

"builtin.module"() ({
  "tt.func"() ({
  ^bb0(%x_ptr: !tt.ptr<f32>, %i_ptr: !tt.ptr<i32>):
    %range = "tt.make_range"() {end = 64 : i32, start = 0 : i32} : () -> tensor<64xi32>
    %is = "tt.splat"(%i_ptr) : (!tt.ptr<i32>) -> tensor<64x!tt.ptr<i32>>
    %i_at = "tt.addptr"(%is, %range) : (tensor<64x!tt.ptr<i32>>, tensor<64xi32>) -> tensor<64x!tt.ptr<i32>>
    %i = "tt.load"(%i_at) {operandSegmentSizes = array<i32: 1, 0, 0>} : (tensor<64x!tt.ptr<i32>>) -> tensor<64xi32>
    %xs = "tt.splat"(%x_ptr) : (!tt.ptr<f32>) -> tensor<64x!tt.ptr<f32>>
    %x_at = "tt.addptr"(%xs, %i) : (tensor<64x!tt.ptr<f32>>, tensor<64xi32>) -> tensor<64x!tt.ptr<f32>>
    %x = "tt.load"(%x_at) {operandSegmentSizes = array<i32: 1, 0, 0>} : (tensor<64x!tt.ptr<f32>>) -> tensor<64xf32>
    "tt.return"() : () -> ()
  }) {sym_name = "gather", function_type = (!tt.ptr<f32>, !tt.ptr<i32>) -> (), sym_visibility = "public"} : () -> ()
}) : () -> ()
