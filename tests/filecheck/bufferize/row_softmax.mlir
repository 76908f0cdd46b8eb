// A row's softmax: what is behind the row's end is filled after the load, maximum and sum come back as scalars, the end drains
// the core. With keep-in-vector they stay buffers of one element.
// RUN: tilescope-opt %s -p bufferize | filecheck %s
// RUN: tilescope-opt %s -p bufferize,plan-memory,insert-flags | filecheck %s --check-prefix=FLAGS
// RUN: tilescope-opt %s -p bufferize,keep-in-vector | filecheck %s --check-prefix=VECTOR

// CHECK:      func.func @softmax({{.*}}%out_ptr: memref<?xf32, #hivm.address_space<gm>>{{.*}}%grid_z: i32) attributes {hacc.entry, {{.*}}hivm.func_core_type<AIV>
// CHECK:        hivm.hir.get_block_idx -> i64
// CHECK:        %x = memref.alloc() : memref<1024xf32, #hivm.address_space<ub>>
// CHECK-NEXT:   %[[BLOCKS:.*]] = arith.ceildivsi %valid, %c8
// CHECK-NEXT:   %[[END:.*]] = arith.muli %[[BLOCKS]], %c8
// CHECK-NEXT:   %[[PART:.*]] = memref.subview %x[0] [%[[END]]]
// CHECK-NEXT:   hivm.hir.load ins({{.*}} outs(%[[PART]] : {{.*}} pad_mode = <PadValue> pad_value = %cst
// CHECK-NEXT:   %partial = arith.cmpi slt, %[[END]], %c1024
// CHECK-NEXT:   scf.if %partial {
// CHECK:          hivm.hir.vbrc ins(%cst : f32)
// CHECK:        hivm.hir.vreduce <max> ins(%x {{.*}} reduce_dims = [0]
// CHECK-NEXT:   %[[MAX:.*]] = memref.load
// CHECK-NEXT:   %[[LESS:.*]] = arith.negf %[[MAX]]
// CHECK:        hivm.hir.vadd ins(%x, %[[LESS]] :
// CHECK:        hivm.hir.vexp
// CHECK:        hivm.hir.vreduce <sum>
// CHECK:        hivm.hir.vdiv ins({{.*}} temp_buffer(
// CHECK:        hivm.hir.store
// CHECK-NEXT:   hivm.hir.pipe_barrier[<PIPE_ALL>]
// CHECK-NEXT:   return

// FLAGS:        hivm.hir.load
// FLAGS-NEXT:   hivm.hir.set_flag[<PIPE_MTE2>, <PIPE_V>, <EVENT_ID0>]
// FLAGS:        scf.if %partial {
// FLAGS:          hivm.hir.set_flag[<PIPE_MTE2>, <PIPE_V>, <EVENT_ID7>]
// FLAGS-NEXT:     hivm.hir.wait_flag[<PIPE_MTE2>, <PIPE_V>, <EVENT_ID7>]
// FLAGS-NEXT:     hivm.hir.vbrc
// FLAGS-NEXT:     hivm.hir.pipe_barrier[<PIPE_V>]
// FLAGS-NEXT:     scf.yield
// FLAGS:        hivm.hir.wait_flag[<PIPE_MTE2>, <PIPE_V>, <EVENT_ID0>]
// FLAGS-NEXT:   hivm.hir.vreduce <max>
// FLAGS-NEXT:   hivm.hir.set_flag[<PIPE_V>, <PIPE_S>, <EVENT_ID0>]
// FLAGS-NEXT:   hivm.hir.wait_flag[<PIPE_V>, <PIPE_S>, <EVENT_ID0>]
// FLAGS-NEXT:   memref.load
// FLAGS:        hivm.hir.pipe_barrier[<PIPE_V>]
// FLAGS-NEXT:   hivm.hir.vexp

// VECTOR-NOT:   memref.load
// VECTOR:       hivm.hir.vreduce <max>
// VECTOR:       hivm.hir.vsub ins(%x, %{{.*}} : memref<1024xf32, {{.*}}, memref<1xf32, {{.*}} temp_buffer({{.*}} broadcast = [0]
// VECTOR:       hivm.hir.vdiv ins(%num, %{{.*}} broadcast = [0]

"builtin.module"() ({
  "func.func"() ({
  ^bb0(%out_ptr: memref<?xf32>, %in_ptr: memref<?xf32>, %stride: i32, %n_cols: i32, %grid_x: i32, %grid_y: i32, %grid_z: i32, %pid_x: i32, %pid_y: i32, %pid_z: i32):
    %0 = "arith.muli"(%pid_x, %stride) : (i32, i32) -> i32
    %1 = "arith.index_cast"(%0) : (i32) -> index
    %2 = "arith.index_cast"(%n_cols) : (i32) -> index
    %c1024 = "arith.constant"() {value = 1024 : index} : () -> index
    %valid = "arith.minsi"(%2, %c1024) : (index, index) -> index
    %cst = "arith.constant"() {value = 0xFF800000 : f32} : () -> f32
    %3 = "memref.reinterpret_cast"(%in_ptr, %1) {static_offsets = array<i64: -9223372036854775808>, static_sizes = array<i64: 1024>, static_strides = array<i64: 1>, operandSegmentSizes = array<i32: 1, 1, 0, 0>} : (memref<?xf32>, index) -> memref<1024xf32, strided<[1], offset: ?>>
    %4 = "memref.subview"(%3, %valid) {static_offsets = array<i64: 0>, static_sizes = array<i64: -9223372036854775808>, static_strides = array<i64: 1>, operandSegmentSizes = array<i32: 1, 0, 1, 0>} : (memref<1024xf32, strided<[1], offset: ?>>, index) -> memref<?xf32, strided<[1], offset: ?>>
    %5 = "bufferization.to_tensor"(%4) {restrict} : (memref<?xf32, strided<[1], offset: ?>>) -> tensor<?xf32>
    %c1024_1 = "arith.constant"() {value = 1024 : index} : () -> index
    %6 = "arith.subi"(%c1024_1, %valid) : (index, index) -> index
    %x = "tensor.pad"(%5, %6) ({
    ^bb0(%i0: index):
      "tensor.yield"(%cst) : (f32) -> ()
    }) {static_low = array<i64: 0>, static_high = array<i64: -9223372036854775808>, operandSegmentSizes = array<i32: 1, 0, 1>} : (tensor<?xf32>, index) -> tensor<1024xf32>
    %cst_1 = "arith.constant"() {value = 0xFF800000 : f32} : () -> f32
    %7 = "tensor.splat"(%cst_1) : (f32) -> tensor<f32>
    %8 = "linalg.reduce"(%x, %7) ({
    ^bb0(%in: f32, %init: f32):
      %9 = "arith.maxnumf"(%in, %init) : (f32, f32) -> f32
      "linalg.yield"(%9) : (f32) -> ()
    }) {dimensions = array<i64: 0>} : (tensor<1024xf32>, tensor<f32>) -> tensor<f32>
    %r = "tensor.extract"(%8) : (tensor<f32>) -> f32
    %10 = "tensor.splat"(%r) : (f32) -> tensor<1024xf32>
    %11 = "arith.subf"(%x, %10) : (tensor<1024xf32>, tensor<1024xf32>) -> tensor<1024xf32>
    %num = "math.exp"(%11) : (tensor<1024xf32>) -> tensor<1024xf32>
    %cst_2 = "arith.constant"() {value = 0.0 : f32} : () -> f32
    %12 = "tensor.splat"(%cst_2) : (f32) -> tensor<f32>
    %13 = "linalg.reduce"(%num, %12) ({
    ^bb0(%in_1: f32, %init_1: f32):
      %14 = "arith.addf"(%in_1, %init_1) : (f32, f32) -> f32
      "linalg.yield"(%14) : (f32) -> ()
    }) {dimensions = array<i64: 0>} : (tensor<1024xf32>, tensor<f32>) -> tensor<f32>
    %r_1 = "tensor.extract"(%13) : (tensor<f32>) -> f32
    %15 = "tensor.splat"(%r_1) : (f32) -> tensor<1024xf32>
    %o = "arith.divf"(%num, %15) : (tensor<1024xf32>, tensor<1024xf32>) -> tensor<1024xf32>
    %16 = "memref.reinterpret_cast"(%out_ptr, %1) {static_offsets = array<i64: -9223372036854775808>, static_sizes = array<i64: 1024>, static_strides = array<i64: 1>, operandSegmentSizes = array<i32: 1, 1, 0, 0>} : (memref<?xf32>, index) -> memref<1024xf32, strided<[1], offset: ?>>
    %17 = "memref.subview"(%16, %valid) {static_offsets = array<i64: 0>, static_sizes = array<i64: -9223372036854775808>, static_strides = array<i64: 1>, operandSegmentSizes = array<i32: 1, 0, 1, 0>} : (memref<1024xf32, strided<[1], offset: ?>>, index) -> memref<?xf32, strided<[1], offset: ?>>
    %18 = "tensor.extract_slice"(%o, %valid) {static_offsets = array<i64: 0>, static_sizes = array<i64: -9223372036854775808>, static_strides = array<i64: 1>, operandSegmentSizes = array<i32: 1, 0, 1, 0>} : (tensor<1024xf32>, index) -> tensor<?xf32>
    "bufferization.materialize_in_destination"(%18, %17) {writable} : (tensor<?xf32>, memref<?xf32, strided<[1], offset: ?>>) -> ()
    "func.return"() : () -> ()
  }) {sym_name = "softmax", function_type = (memref<?xf32>, memref<?xf32>, i32, i32, i32, i32, i32, i32, i32, i32) -> ()} : () -> ()
}) : () -> ()

