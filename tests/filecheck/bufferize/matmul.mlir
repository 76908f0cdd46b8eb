// A product of fp16 blocks: operands become fractals in L1, the sum stays in L0C over the loop, and conversion and ReLU
// happen on the way out. On the coupled chip L0C leaves by way of UB.
// RUN: tilescope-opt %s -p bufferize | filecheck %s
// RUN: tilescope-opt %s -p bufferize --chip Ascend310P3 | filecheck %s --check-prefix=COUPLED
// RUN: tilescope-opt %s -p bufferize,double-buffer,plan-memory,insert-flags | filecheck %s --check-prefix=TWICE

// CHECK:      func.func @mm({{.*}}hivm.func_core_type<AIC>
// CHECK:        %acc = memref.alloc() : memref<8x4x16x16xf32, #hivm.address_space<cc>>
// CHECK-NEXT:   scf.for %k =
// CHECK-NEXT:     %first = arith.cmpi eq, %k,
// CHECK:          hivm.hir.nd2nz {dst_continuous} ins({{.*}}#hivm.address_space<gm>>) outs({{.*}}#hivm.address_space<cbuf>>)
// CHECK:          hivm.hir.nd2nz
// CHECK:          hivm.hir.mmadL1 {b_transpose} ins(%a, %b, %first, %m, %kk, %n :
// CHECK-SAME:       outs(%acc :
// CHECK:        hivm.hir.fixpipe {dma_mode = #hivm.dma_mode<nz2nd>, pre_quant = #hivm.fixpipe_pre_quant_mode<F322F16>, pre_relu = #hivm.fixpipe_pre_relu_mode<NORMAL_RELU>}
// CHECK-SAME:     #hivm.address_space<gm>>)

// COUPLED:    hivm.func_core_type<MIX>
// COUPLED:      hivm.hir.fixpipe {{.*}} outs(%product : memref<64x128xf16, #hivm.address_space<ub>>)
// COUPLED:      hivm.hir.store

// TWICE-COUNT-2: hivm.hir.set_flag[<PIPE_MTE1>, <PIPE_MTE2>, <EVENT_ID
// TWICE:        scf.for
// TWICE:          %odd = arith.cmpi ne
// TWICE:          %event = arith.select %odd
// TWICE:          hivm.hir.wait_flag[<PIPE_MTE1>, <PIPE_MTE2>, %event]
// TWICE-NEXT:     hivm.hir.nd2nz
// TWICE:          hivm.hir.mmadL1
// TWICE-NEXT:     hivm.hir.set_flag[<PIPE_MTE1>, <PIPE_MTE2>, %event]
// TWICE-NEXT:     scf.yield
// TWICE-NEXT:   }
// TWICE:        hivm.hir.wait_flag[<PIPE_MTE1>, <PIPE_MTE2>, <EVENT_ID
// TWICE:        hivm.hir.fixpipe

"builtin.module"() ({
  "func.func"() ({
  ^bb0(%a_ptr: memref<?xf16>, %b_ptr: memref<?xf16>, %c_ptr: memref<?xf16>, %M: i32, %N: i32, %K: i32, %sam: i32, %sbk: i32, %scm: i32, %grid_x: i32, %grid_y: i32, %grid_z: i32, %pid_x: i32, %pid_y: i32, %pid_z: i32):
    %0 = "arith.index_cast"(%pid_x) : (i32) -> index
    %c64 = "arith.constant"() {value = 64 : index} : () -> index
    %1 = "arith.muli"(%0, %c64) : (index, index) -> index
    %2 = "arith.index_cast"(%pid_y) : (i32) -> index
    %c128 = "arith.constant"() {value = 128 : index} : () -> index
    %3 = "arith.muli"(%2, %c128) : (index, index) -> index
    %4 = "arith.index_cast"(%M) : (i32) -> index
    %5 = "arith.subi"(%4, %1) : (index, index) -> index
    %c64_1 = "arith.constant"() {value = 64 : index} : () -> index
    %m = "arith.minsi"(%5, %c64_1) : (index, index) -> index
    %6 = "arith.index_cast"(%N) : (i32) -> index
    %7 = "arith.subi"(%6, %3) : (index, index) -> index
    %c128_1 = "arith.constant"() {value = 128 : index} : () -> index
    %n = "arith.minsi"(%7, %c128_1) : (index, index) -> index
    %cst = "arith.constant"() {value = 0.0 : f32} : () -> f32
    %8 = "tensor.splat"(%cst) : (f32) -> tensor<64x128xf32>
    %c64_i32 = "arith.constant"() {value = 64 : i32} : () -> i32
    %9 = "arith.ceildivsi"(%K, %c64_i32) : (i32, i32) -> i32
    %c0_i32 = "arith.constant"() {value = 0 : i32} : () -> i32
    %c1_i32 = "arith.constant"() {value = 1 : i32} : () -> i32
    %10 = "scf.for"(%c0_i32, %9, %c1_i32, %8) ({
    ^bb0(%k: i32, %acc: tensor<64x128xf32>):
      %11 = "arith.index_cast"(%k) : (i32) -> index
      %c64_2 = "arith.constant"() {value = 64 : index} : () -> index
      %12 = "arith.muli"(%11, %c64_2) : (index, index) -> index
      %13 = "arith.index_cast"(%K) : (i32) -> index
      %14 = "arith.subi"(%13, %12) : (index, index) -> index
      %c64_3 = "arith.constant"() {value = 64 : index} : () -> index
      %kk = "arith.minsi"(%14, %c64_3) : (index, index) -> index
      %15 = "arith.index_cast"(%sam) : (i32) -> index
      %16 = "arith.index_cast"(%sbk) : (i32) -> index
      %17 = "arith.muli"(%1, %15) : (index, index) -> index
      %18 = "arith.addi"(%17, %12) : (index, index) -> index
      %19 = "memref.reinterpret_cast"(%a_ptr, %18, %15) {static_offsets = array<i64: -9223372036854775808>, static_sizes = array<i64: 64, 64>, static_strides = array<i64: -9223372036854775808, 1>, operandSegmentSizes = array<i32: 1, 1, 0, 1>} : (memref<?xf16>, index, index) -> memref<64x64xf16, strided<[?, 1], offset: ?>>
      %20 = "memref.subview"(%19, %m, %kk) {static_offsets = array<i64: 0, 0>, static_sizes = array<i64: -9223372036854775808, -9223372036854775808>, static_strides = array<i64: 1, 1>, operandSegmentSizes = array<i32: 1, 0, 2, 0>} : (memref<64x64xf16, strided<[?, 1], offset: ?>>, index, index) -> memref<?x?xf16, strided<[?, 1], offset: ?>>
      %21 = "bufferization.to_tensor"(%20) {restrict} : (memref<?x?xf16, strided<[?, 1], offset: ?>>) -> tensor<?x?xf16>
      %c64_4 = "arith.constant"() {value = 64 : index} : () -> index
      %22 = "arith.subi"(%c64_4, %m) : (index, index) -> index
      %c64_5 = "arith.constant"() {value = 64 : index} : () -> index
      %23 = "arith.subi"(%c64_5, %kk) : (index, index) -> index
      %cst_1 = "arith.constant"() {value = 0.0 : f16} : () -> f16
      %a = "tensor.pad"(%21, %22, %23) ({
      ^bb0(%i0: index, %i1: index):
        "tensor.yield"(%cst_1) : (f16) -> ()
      }) {static_low = array<i64: 0, 0>, static_high = array<i64: -9223372036854775808, -9223372036854775808>, operandSegmentSizes = array<i32: 1, 0, 2>} : (tensor<?x?xf16>, index, index) -> tensor<64x64xf16>
      %24 = "arith.muli"(%3, %16) : (index, index) -> index
      %25 = "arith.addi"(%24, %12) : (index, index) -> index
      %26 = "memref.reinterpret_cast"(%b_ptr, %25, %16) {static_offsets = array<i64: -9223372036854775808>, static_sizes = array<i64: 128, 64>, static_strides = array<i64: -9223372036854775808, 1>, operandSegmentSizes = array<i32: 1, 1, 0, 1>} : (memref<?xf16>, index, index) -> memref<128x64xf16, strided<[?, 1], offset: ?>>
      %27 = "memref.subview"(%26, %n, %kk) {static_offsets = array<i64: 0, 0>, static_sizes = array<i64: -9223372036854775808, -9223372036854775808>, static_strides = array<i64: 1, 1>, operandSegmentSizes = array<i32: 1, 0, 2, 0>} : (memref<128x64xf16, strided<[?, 1], offset: ?>>, index, index) -> memref<?x?xf16, strided<[?, 1], offset: ?>>
      %28 = "bufferization.to_tensor"(%27) {restrict} : (memref<?x?xf16, strided<[?, 1], offset: ?>>) -> tensor<?x?xf16>
      %c128_2 = "arith.constant"() {value = 128 : index} : () -> index
      %29 = "arith.subi"(%c128_2, %n) : (index, index) -> index
      %c64_6 = "arith.constant"() {value = 64 : index} : () -> index
      %30 = "arith.subi"(%c64_6, %kk) : (index, index) -> index
      %cst_2 = "arith.constant"() {value = 0.0 : f16} : () -> f16
      %b = "tensor.pad"(%28, %29, %30) ({
      ^bb0(%i0_1: index, %i1_1: index):
        "tensor.yield"(%cst_2) : (f16) -> ()
      }) {static_low = array<i64: 0, 0>, static_high = array<i64: -9223372036854775808, -9223372036854775808>, operandSegmentSizes = array<i32: 1, 0, 2>} : (tensor<?x?xf16>, index, index) -> tensor<128x64xf16>
      %31 = "tensor.empty"() : () -> tensor<64x128xf16>
      %32 = "linalg.transpose"(%b, %31) {permutation = array<i64: 1, 0>} : (tensor<128x64xf16>, tensor<64x128xf16>) -> tensor<64x128xf16>
      %acc_1 = "linalg.matmul"(%a, %32, %acc) {operandSegmentSizes = array<i32: 2, 1>} : (tensor<64x64xf16>, tensor<64x128xf16>, tensor<64x128xf32>) -> tensor<64x128xf32>
      "scf.yield"(%acc_1) : (tensor<64x128xf32>) -> ()
    }) : (i32, i32, i32, tensor<64x128xf32>) -> tensor<64x128xf32>
    %cst_3 = "arith.constant"() {value = 0.0 : f32} : () -> f32
    %33 = "tensor.splat"(%cst_3) : (f32) -> tensor<64x128xf32>
    %34 = "arith.maximumf"(%10, %33) : (tensor<64x128xf32>, tensor<64x128xf32>) -> tensor<64x128xf32>
    %35 = "arith.truncf"(%34) : (tensor<64x128xf32>) -> tensor<64x128xf16>
    %36 = "arith.index_cast"(%scm) : (i32) -> index
    %37 = "arith.muli"(%1, %36) : (index, index) -> index
    %38 = "arith.addi"(%37, %3) : (index, index) -> index
    %39 = "memref.reinterpret_cast"(%c_ptr, %38, %36) {static_offsets = array<i64: -9223372036854775808>, static_sizes = array<i64: 64, 128>, static_strides = array<i64: -9223372036854775808, 1>, operandSegmentSizes = array<i32: 1, 1, 0, 1>} : (memref<?xf16>, index, index) -> memref<64x128xf16, strided<[?, 1], offset: ?>>
    %40 = "memref.subview"(%39, %m, %n) {static_offsets = array<i64: 0, 0>, static_sizes = array<i64: -9223372036854775808, -9223372036854775808>, static_strides = array<i64: 1, 1>, operandSegmentSizes = array<i32: 1, 0, 2, 0>} : (memref<64x128xf16, strided<[?, 1], offset: ?>>, index, index) -> memref<?x?xf16, strided<[?, 1], offset: ?>>
    %41 = "tensor.extract_slice"(%35, %m, %n) {static_offsets = array<i64: 0, 0>, static_sizes = array<i64: -9223372036854775808, -9223372036854775808>, static_strides = array<i64: 1, 1>, operandSegmentSizes = array<i32: 1, 0, 2, 0>} : (tensor<64x128xf16>, index, index) -> tensor<?x?xf16>
    "bufferization.materialize_in_destination"(%41, %40) {writable} : (tensor<?x?xf16>, memref<?x?xf16, strided<[?, 1], offset: ?>>) -> ()
    "func.return"() : () -> ()
  }) {sym_name = "mm", function_type = (memref<?xf16>, memref<?xf16>, memref<?xf16>, i32, i32, i32, i32, i32, i32, i32, i32, i32, i32, i32, i32) -> ()} : () -> ()
}) : () -> ()

