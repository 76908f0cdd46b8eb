// A block of a longer array, masked at its end: a view, its valid part, and a pad with the load's `other`.
// RUN: tilescope-opt %s -p structure-access,canonicalize,cse | filecheck %s

// CHECK:      func.func public @copy(%x_ptr: memref<?xf32>, %out_ptr: memref<?xf32>, %n: i32, %grid_x: i32,
// CHECK:        %[[START:.*]] = arith.index_cast %mul : i32 to index
// CHECK:        %[[LEFT:.*]] = arith.subi %{{.*}}, %[[START]] : index
// CHECK:        %[[SOME:.*]] = arith.maxsi %[[LEFT]], %c0 : index
// CHECK:        %[[VALID:.*]] = arith.minsi %[[SOME]], %c64 : index
// CHECK:        %[[VIEW:.*]] = memref.reinterpret_cast %x_ptr to offset: [%[[START]]], sizes: [64], strides: [1]
// CHECK-NEXT:   %[[PART:.*]] = memref.subview %[[VIEW]][0] [%[[VALID]]] [1]
// CHECK-NEXT:   %[[READ:.*]] = bufferization.to_tensor %[[PART]] restrict
// CHECK-NEXT:   %[[REST:.*]] = arith.subi %c64, %[[VALID]] : index
// CHECK-NEXT:   %[[PAD:.*]] = tensor.pad %[[READ]] low[0] high[%[[REST]]] {
// CHECK:          tensor.yield %cst : f32
// CHECK:        %[[OUT:.*]] = memref.subview %{{.*}}[0] [%[[VALID]]] [1]
// CHECK-NEXT:   %[[STORED:.*]] = tensor.extract_slice %[[PAD]][0] [%[[VALID]]] [1]
// CHECK-NEXT:   bufferization.materialize_in_destination %[[STORED]] in writable %[[OUT]]

"builtin.module"() ({
  "tt.func"() ({
  ^bb0(%x_ptr: !tt.ptr<f32>, %out_ptr: !tt.ptr<f32>, %n: i32):
    %pid = "tt.get_program_id"() {axis = 0 : i32} : () -> i32
    %block = "arith.constant"() {value = 64 : i32} : () -> i32
    %mul = "arith.muli"(%pid, %block) : (i32, i32) -> i32
    %range = "tt.make_range"() {end = 64 : i32, start = 0 : i32} : () -> tensor<64xi32>
    %start = "tt.splat"(%mul) : (i32) -> tensor<64xi32>
    %i = "arith.addi"(%start, %range) : (tensor<64xi32>, tensor<64xi32>) -> tensor<64xi32>
    %xs = "tt.splat"(%x_ptr) : (!tt.ptr<f32>) -> tensor<64x!tt.ptr<f32>>
    %x_at = "tt.addptr"(%xs, %i) : (tensor<64x!tt.ptr<f32>>, tensor<64xi32>) -> tensor<64x!tt.ptr<f32>>
    %ns = "tt.splat"(%n) : (i32) -> tensor<64xi32>
    %mask = "arith.cmpi"(%i, %ns) {predicate = 2 : i64} : (tensor<64xi32>, tensor<64xi32>) -> tensor<64xi1>
    %other = "arith.constant"() {value = dense<1.0> : tensor<64xf32>} : () -> tensor<64xf32>
    %x = "tt.load"(%x_at, %mask, %other) {operandSegmentSizes = array<i32: 1, 1, 1>} : (tensor<64x!tt.ptr<f32>>, tensor<64xi1>, tensor<64xf32>) -> tensor<64xf32>
    %outs = "tt.splat"(%out_ptr) : (!tt.ptr<f32>) -> tensor<64x!tt.ptr<f32>>
    %out_at = "tt.addptr"(%outs, %i) : (tensor<64x!tt.ptr<f32>>, tensor<64xi32>) -> tensor<64x!tt.ptr<f32>>
    "tt.store"(%out_at, %x, %mask) : (tensor<64x!tt.ptr<f32>>, tensor<64xf32>, tensor<64xi1>) -> ()
    "tt.return"() : () -> ()
  }) {sym_name = "copy", function_type = (!tt.ptr<f32>, !tt.ptr<f32>, i32) -> (), sym_visibility = "public"} : () -> ()
}) : () -> ()
