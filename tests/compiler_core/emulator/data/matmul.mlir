// A Triton kernel as AscendNPU-IR 1.2.0's bishengir-compile leaves it for its back end, in MLIR's generic form.
#map = affine_map<()[s0, s1] -> (s0 * s1)>
#map1 = affine_map<()[s0, s1] -> (s1, s0)>
#map2 = affine_map<()[s0, s1] -> (s1 + 64, s0)>
#map3 = affine_map<()[s0, s1] -> (64, s0 - s1)>
#map4 = affine_map<()[s0, s1] -> (s1 + 128, s0)>
#map5 = affine_map<()[s0, s1] -> (128, s0 - s1)>
#map6 = affine_map<()[s0, s1] -> (s0 + s1)>
#map7 = affine_map<()[s0] -> (0, s0)>
#map8 = affine_map<()[s0] -> (64, s0)>
#map9 = affine_map<()[s0] -> ((s0 + 15) floordiv 16)>
#map10 = affine_map<()[s0] -> (s0 + 64)>
#map11 = affine_map<()[s0, s1, s2] -> (s0 + s1 * s2)>
"builtin.module"() ({
  "func.func"() <{function_type = () -> i8, sym_name = "mm_infer_task_type_function"}> ({
    %84 = "arith.constant"() <{value = 20 : i8}> : () -> i8
    "func.return"(%84) : (i8) -> ()
  }) {hacc.function_kind = #hacc.function_kind<HOST>, hacc.host_func_type = #hacc.host_func_type<infer_task_type_function>} : () -> ()
  "func.func"() <{arg_attrs = [{hacc.arg_type = #hacc.arg_type<ffts_base_address>}, {hacc.arg_type = #hacc.arg_type<sync_block_lock>}, {hacc.arg_type = #hacc.arg_type<workspace>}, {tt.tensor_kind = 0 : i32}, {tt.tensor_kind = 0 : i32}, {tt.tensor_kind = 1 : i32}, {}, {}, {}, {}, {}, {}, {}, {}, {}], function_type = (i64, memref<?xi8, #hivm.address_space<gm>>, memref<?xi8, #hivm.address_space<gm>>, memref<?xf16, #hivm.address_space<gm>>, memref<?xf16, #hivm.address_space<gm>>, memref<?xf16, #hivm.address_space<gm>>, i32, i32, i32, i32, i32, i32, i32, i32, i32) -> (), sym_name = "mm"}> ({
  ^bb0(%arg0: i64, %arg1: memref<?xi8, #hivm.address_space<gm>>, %arg2: memref<?xi8, #hivm.address_space<gm>>, %arg3: memref<?xf16, #hivm.address_space<gm>>, %arg4: memref<?xf16, #hivm.address_space<gm>>, %arg5: memref<?xf16, #hivm.address_space<gm>>, %arg6: i32, %arg7: i32, %arg8: i32, %arg9: i32, %arg10: i32, %arg11: i32, %arg12: i32, %arg13: i32, %arg14: i32):
    %0 = "arith.constant"() <{value = -1 : i64}> : () -> i64
    %1 = "arith.constant"() <{value = 2 : i64}> : () -> i64
    %2 = "arith.constant"() <{value = 1 : i64}> : () -> i64
    %3 = "arith.constant"() <{value = 0 : i64}> : () -> i64
    %4 = "arith.constant"() <{value = 8192 : i64}> : () -> i64
    %5 = "arith.constant"() <{value = 1 : i32}> : () -> i32
    %6 = "arith.constant"() <{value = 128 : index}> : () -> index
    %7 = "arith.constant"() <{value = 0.000000e+00 : f16}> : () -> f16
    %8 = "arith.constant"() <{value = 64 : index}> : () -> index
    %9 = "arith.constant"() <{value = 0 : index}> : () -> index
    %10 = "arith.constant"() <{value = 64 : i32}> : () -> i32
    %11 = "arith.constant"() <{value = 128 : i32}> : () -> i32
    %12 = "arith.constant"() <{value = 0 : i32}> : () -> i32
    %13 = "arith.constant"() <{value = 63 : i32}> : () -> i32
    "hivm.hir.set_mask_norm"() : () -> ()
    %14 = "hivm.hir.get_block_idx"() : () -> i64
    %15 = "arith.trunci"(%14) : (i64) -> i32
    %16 = "arith.divsi"(%15, %arg14) : (i32, i32) -> i32
    %17 = "arith.remsi"(%16, %arg13) : (i32, i32) -> i32
    %18 = "arith.muli"(%arg14, %arg13) <{overflowFlags = #arith.overflow<none>}> : (i32, i32) -> i32
    %19 = "arith.divsi"(%15, %18) : (i32, i32) -> i32
    %20 = "arith.remsi"(%19, %arg12) : (i32, i32) -> i32
    %21 = "arith.muli"(%20, %10) <{overflowFlags = #arith.overflow<none>}> : (i32, i32) -> i32
    %22 = "arith.muli"(%17, %11) <{overflowFlags = #arith.overflow<none>}> : (i32, i32) -> i32
    %23 = "arith.addi"(%arg8, %13) <{overflowFlags = #arith.overflow<none>}> : (i32, i32) -> i32
    %24 = "arith.divsi"(%23, %10) : (i32, i32) -> i32
    %25 = "arith.index_cast"(%21) : (i32) -> index
    %26 = "arith.index_cast"(%arg9) : (i32) -> index
    %27 = "affine.apply"(%25, %26) <{map = #map}> : (index, index) -> index
    %28 = "arith.index_cast"(%arg10) : (i32) -> index
    %29 = "arith.index_cast"(%22) : (i32) -> index
    %30 = "arith.index_cast"(%arg6) : (i32) -> index
    %31 = "affine.max"(%25, %30) <{map = #map1}> : (index, index) -> index
    %32 = "affine.min"(%31, %25) <{map = #map2}> : (index, index) -> index
    %33 = "affine.min"(%32, %25) <{map = #map3}> : (index, index) -> index
    %34 = "arith.cmpi"(%33, %8) <{predicate = 2 : i64}> : (index, index) -> i1
    %35 = "arith.index_cast"(%arg7) : (i32) -> index
    %36 = "affine.max"(%29, %35) <{map = #map1}> : (index, index) -> index
    %37 = "affine.min"(%36, %29) <{map = #map4}> : (index, index) -> index
    %38 = "affine.min"(%37, %29) <{map = #map5}> : (index, index) -> index
    %39 = "arith.cmpi"(%38, %6) <{predicate = 2 : i64}> : (index, index) -> i1
    %40 = "arith.muli"(%arg10, %10) <{overflowFlags = #arith.overflow<none>}> : (i32, i32) -> i32
    %41 = "arith.index_cast"(%40) : (i32) -> index
    %42 = "hivm.hir.pointer_cast"(%3) <{operandSegmentSizes = array<i32: 1, 0>}> : (i64) -> memref<8x4x16x16xf32, #hivm.address_space<cc>>
    %43 = "memref.cast"(%42) : (memref<8x4x16x16xf32, #hivm.address_space<cc>>) -> memref<?x?x?x?xf32, #hivm.address_space<cc>>
    "hivm.hir.set_flag"() <{set_pipe = #hivm.pipe<PIPE_MTE1>, static_event_id = #hivm.event<EVENT_ID1>, wait_pipe = #hivm.pipe<PIPE_MTE2>}> : () -> ()
    "hivm.hir.set_flag"() <{set_pipe = #hivm.pipe<PIPE_MTE1>, static_event_id = #hivm.event<EVENT_ID2>, wait_pipe = #hivm.pipe<PIPE_MTE2>}> : () -> ()
    %44:2 = "scf.for"(%12, %24, %5, %27, %9) ({
    ^bb0(%arg15: i32, %arg16: index, %arg17: index):
      %53 = "arith.index_cast"(%arg15) : (i32) -> index
      %54 = "arith.index_cast"(%53) : (index) -> i64
      %55 = "affine.apply"(%arg17, %29) <{map = #map6}> : (index, index) -> index
      %56 = "memref.reinterpret_cast"(%arg4, %55, %28) <{operandSegmentSizes = array<i32: 1, 1, 0, 1>, static_offsets = array<i64: -9223372036854775808>, static_sizes = array<i64: 64, 128>, static_strides = array<i64: -9223372036854775808, 1>}> : (memref<?xf16, #hivm.address_space<gm>>, index, index) -> memref<64x128xf16, strided<[?, 1], offset: ?>, #hivm.address_space<gm>>
      %57 = "memref.reinterpret_cast"(%arg3, %arg16, %26) <{operandSegmentSizes = array<i32: 1, 1, 0, 1>, static_offsets = array<i64: -9223372036854775808>, static_sizes = array<i64: 64, 64>, static_strides = array<i64: -9223372036854775808, 1>}> : (memref<?xf16, #hivm.address_space<gm>>, index, index) -> memref<64x64xf16, strided<[?, 1], offset: ?>, #hivm.address_space<gm>>
      %58 = "arith.muli"(%arg15, %10) <{overflowFlags = #arith.overflow<none>}> : (i32, i32) -> i32
      %59 = "arith.subi"(%arg8, %58) <{overflowFlags = #arith.overflow<none>}> : (i32, i32) -> i32
      %60 = "hivm.hir.pointer_cast"(%3) <{operandSegmentSizes = array<i32: 1, 0>}> : (i64) -> memref<4x4x16x16xf16, #hivm.address_space<cbuf>>
      %61 = "memref.cast"(%60) : (memref<4x4x16x16xf16, #hivm.address_space<cbuf>>) -> memref<?x?x?x?xf16, #hivm.address_space<cbuf>>
      %62 = "arith.index_cast"(%59) : (i32) -> index
      %63 = "affine.max"(%62) <{map = #map7}> : (index) -> index
      %64 = "affine.min"(%63) <{map = #map8}> : (index) -> index
      %65 = "arith.cmpi"(%64, %8) <{predicate = 2 : i64}> : (index, index) -> i1
      %66 = "arith.ori"(%34, %65) : (i1, i1) -> i1
      %67 = "memref.subview"(%57, %33, %64) <{operandSegmentSizes = array<i32: 1, 0, 2, 0>, static_offsets = array<i64: 0, 0>, static_sizes = array<i64: -9223372036854775808, -9223372036854775808>, static_strides = array<i64: 1, 1>}> : (memref<64x64xf16, strided<[?, 1], offset: ?>, #hivm.address_space<gm>>, index, index) -> memref<?x?xf16, strided<[?, 1], offset: ?>, #hivm.address_space<gm>>
      %68 = "affine.apply"(%33) <{map = #map9}> : (index) -> index
      %69 = "affine.apply"(%64) <{map = #map9}> : (index) -> index
      %70 = "memref.subview"(%60, %69, %68) <{operandSegmentSizes = array<i32: 1, 0, 2, 0>, static_offsets = array<i64: 0, 0, 0, 0>, static_sizes = array<i64: -9223372036854775808, -9223372036854775808, 16, 16>, static_strides = array<i64: 1, 1, 1, 1>}> : (memref<4x4x16x16xf16, #hivm.address_space<cbuf>>, index, index) -> memref<?x?x16x16xf16, strided<[1024, 256, 16, 1]>, #hivm.address_space<cbuf>>
      %71 = "memref.cast"(%70) : (memref<?x?x16x16xf16, strided<[1024, 256, 16, 1]>, #hivm.address_space<cbuf>>) -> memref<?x?x?x?xf16, strided<[?, ?, ?, 1], offset: ?>, #hivm.address_space<cbuf>>
      "scf.if"(%66) ({
        "hivm.hir.set_flag"() <{set_pipe = #hivm.pipe<PIPE_MTE1>, static_event_id = #hivm.event<EVENT_ID0>, wait_pipe = #hivm.pipe<PIPE_MTE2>}> : () -> ()
        %83 = "memref.collapse_shape"(%60) <{reassociation = [[0, 1, 2, 3]]}> : (memref<4x4x16x16xf16, #hivm.address_space<cbuf>>) -> memref<4096xf16, #hivm.address_space<cbuf>>
        "hivm.hir.wait_flag"() <{set_pipe = #hivm.pipe<PIPE_MTE1>, static_event_id = #hivm.event<EVENT_ID0>, wait_pipe = #hivm.pipe<PIPE_MTE2>}> : () -> ()
        "hivm.hir.vbrc"(%7, %83) <{broadcast_dims = array<i64>}> : (f16, memref<4096xf16, #hivm.address_space<cbuf>>) -> ()
        "hivm.hir.pipe_barrier"() <{pipe = #hivm.pipe<PIPE_MTE2>}> : () -> ()
        "scf.yield"() : () -> ()
      }, {
      }) {hivm.unlikely_condition} : (i1) -> ()
      "hivm.hir.wait_flag"() <{set_pipe = #hivm.pipe<PIPE_MTE1>, static_event_id = #hivm.event<EVENT_ID1>, wait_pipe = #hivm.pipe<PIPE_MTE2>}> : () -> ()
      "hivm.hir.nd2nz"(%67, %71) <{dst_continuous, init_out_buffer = false, operandSegmentSizes = array<i32: 1, 1, 0, 0>}> : (memref<?x?xf16, strided<[?, 1], offset: ?>, #hivm.address_space<gm>>, memref<?x?x?x?xf16, strided<[?, ?, ?, 1], offset: ?>, #hivm.address_space<cbuf>>) -> ()
      "hivm.hir.set_flag"() <{set_pipe = #hivm.pipe<PIPE_MTE2>, static_event_id = #hivm.event<EVENT_ID0>, wait_pipe = #hivm.pipe<PIPE_MTE1>}> : () -> ()
      %72 = "hivm.hir.pointer_cast"(%4) <{operandSegmentSizes = array<i32: 1, 0>}> : (i64) -> memref<8x4x16x16xf16, #hivm.address_space<cbuf>>
      %73 = "memref.cast"(%72) : (memref<8x4x16x16xf16, #hivm.address_space<cbuf>>) -> memref<?x?x?x?xf16, #hivm.address_space<cbuf>>
      %74 = "arith.ori"(%65, %39) : (i1, i1) -> i1
      %75 = "memref.subview"(%56, %64, %38) <{operandSegmentSizes = array<i32: 1, 0, 2, 0>, static_offsets = array<i64: 0, 0>, static_sizes = array<i64: -9223372036854775808, -9223372036854775808>, static_strides = array<i64: 1, 1>}> : (memref<64x128xf16, strided<[?, 1], offset: ?>, #hivm.address_space<gm>>, index, index) -> memref<?x?xf16, strided<[?, 1], offset: ?>, #hivm.address_space<gm>>
      %76 = "affine.apply"(%38) <{map = #map9}> : (index) -> index
      %77 = "memref.subview"(%72, %76, %69) <{operandSegmentSizes = array<i32: 1, 0, 2, 0>, static_offsets = array<i64: 0, 0, 0, 0>, static_sizes = array<i64: -9223372036854775808, -9223372036854775808, 16, 16>, static_strides = array<i64: 1, 1, 1, 1>}> : (memref<8x4x16x16xf16, #hivm.address_space<cbuf>>, index, index) -> memref<?x?x16x16xf16, strided<[1024, 256, 16, 1]>, #hivm.address_space<cbuf>>
      %78 = "memref.cast"(%77) : (memref<?x?x16x16xf16, strided<[1024, 256, 16, 1]>, #hivm.address_space<cbuf>>) -> memref<?x?x?x?xf16, strided<[?, ?, ?, 1], offset: ?>, #hivm.address_space<cbuf>>
      "scf.if"(%74) ({
        "hivm.hir.set_flag"() <{set_pipe = #hivm.pipe<PIPE_MTE1>, static_event_id = #hivm.event<EVENT_ID0>, wait_pipe = #hivm.pipe<PIPE_MTE2>}> : () -> ()
        %82 = "memref.collapse_shape"(%72) <{reassociation = [[0, 1, 2, 3]]}> : (memref<8x4x16x16xf16, #hivm.address_space<cbuf>>) -> memref<8192xf16, #hivm.address_space<cbuf>>
        "hivm.hir.wait_flag"() <{set_pipe = #hivm.pipe<PIPE_MTE1>, static_event_id = #hivm.event<EVENT_ID0>, wait_pipe = #hivm.pipe<PIPE_MTE2>}> : () -> ()
        "hivm.hir.vbrc"(%7, %82) <{broadcast_dims = array<i64>}> : (f16, memref<8192xf16, #hivm.address_space<cbuf>>) -> ()
        "hivm.hir.pipe_barrier"() <{pipe = #hivm.pipe<PIPE_MTE2>}> : () -> ()
        "scf.yield"() : () -> ()
      }, {
      }) {hivm.unlikely_condition} : (i1) -> ()
      "hivm.hir.wait_flag"() <{set_pipe = #hivm.pipe<PIPE_MTE1>, static_event_id = #hivm.event<EVENT_ID2>, wait_pipe = #hivm.pipe<PIPE_MTE2>}> : () -> ()
      "hivm.hir.nd2nz"(%75, %78) <{dst_continuous, init_out_buffer = false, operandSegmentSizes = array<i32: 1, 1, 0, 0>}> : (memref<?x?xf16, strided<[?, 1], offset: ?>, #hivm.address_space<gm>>, memref<?x?x?x?xf16, strided<[?, ?, ?, 1], offset: ?>, #hivm.address_space<cbuf>>) -> ()
      "hivm.hir.set_flag"() <{set_pipe = #hivm.pipe<PIPE_MTE2>, static_event_id = #hivm.event<EVENT_ID1>, wait_pipe = #hivm.pipe<PIPE_MTE1>}> : () -> ()
      %79 = "arith.cmpi"(%arg15, %12) <{predicate = 0 : i64}> : (i32, i32) -> i1
      "hivm.hir.mmadL1"(%61, %73, %79, %33, %64, %38, %43, %3, %2, %2, %1, %54, %0, %0) <{operandSegmentSizes = array<i32: 1, 1, 1, 1, 1, 1, 1, 7, 0, 0>}> {fixpipe_for_result_already_inserted = true} : (memref<?x?x?x?xf16, #hivm.address_space<cbuf>>, memref<?x?x?x?xf16, #hivm.address_space<cbuf>>, i1, index, index, index, memref<?x?x?x?xf32, #hivm.address_space<cc>>, i64, i64, i64, i64, i64, i64, i64) -> ()
      %80 = "affine.apply"(%arg16) <{map = #map10}> : (index) -> index
      %81 = "affine.apply"(%arg17, %41) <{map = #map6}> : (index, index) -> index
      "scf.yield"(%80, %81) : (index, index) -> ()
    }) {fixpipe_for_mmad_result_already_inserted = true} : (i32, i32, i32, index, index) -> (index, index)
    "hivm.hir.wait_flag"() <{set_pipe = #hivm.pipe<PIPE_MTE1>, static_event_id = #hivm.event<EVENT_ID1>, wait_pipe = #hivm.pipe<PIPE_MTE2>}> : () -> ()
    "hivm.hir.wait_flag"() <{set_pipe = #hivm.pipe<PIPE_MTE1>, static_event_id = #hivm.event<EVENT_ID2>, wait_pipe = #hivm.pipe<PIPE_MTE2>}> : () -> ()
    "hivm.hir.set_flag"() <{set_pipe = #hivm.pipe<PIPE_M>, static_event_id = #hivm.event<EVENT_ID0>, wait_pipe = #hivm.pipe<PIPE_FIX>}> : () -> ()
    %45 = "arith.index_cast"(%arg11) : (i32) -> index
    %46 = "affine.apply"(%29, %25, %45) <{map = #map11}> : (index, index, index) -> index
    %47 = "memref.reinterpret_cast"(%arg5, %46, %45) <{operandSegmentSizes = array<i32: 1, 1, 0, 1>, static_offsets = array<i64: -9223372036854775808>, static_sizes = array<i64: 64, 128>, static_strides = array<i64: -9223372036854775808, 1>}> : (memref<?xf16, #hivm.address_space<gm>>, index, index) -> memref<64x128xf16, strided<[?, 1], offset: ?>, #hivm.address_space<gm>>
    %48 = "affine.apply"(%33) <{map = #map9}> : (index) -> index
    %49 = "affine.apply"(%38) <{map = #map9}> : (index) -> index
    %50 = "memref.subview"(%42, %49, %48) <{operandSegmentSizes = array<i32: 1, 0, 2, 0>, static_offsets = array<i64: 0, 0, 0, 0>, static_sizes = array<i64: -9223372036854775808, -9223372036854775808, 16, 16>, static_strides = array<i64: 1, 1, 1, 1>}> : (memref<8x4x16x16xf32, #hivm.address_space<cc>>, index, index) -> memref<?x?x16x16xf32, strided<[1024, 256, 16, 1]>, #hivm.address_space<cc>>
    %51 = "memref.cast"(%50) : (memref<?x?x16x16xf32, strided<[1024, 256, 16, 1]>, #hivm.address_space<cc>>) -> memref<?x?x?x?xf32, strided<[?, ?, ?, 1], offset: ?>, #hivm.address_space<cc>>
    %52 = "memref.subview"(%47, %33, %38) <{operandSegmentSizes = array<i32: 1, 0, 2, 0>, static_offsets = array<i64: 0, 0>, static_sizes = array<i64: -9223372036854775808, -9223372036854775808>, static_strides = array<i64: 1, 1>}> : (memref<64x128xf16, strided<[?, 1], offset: ?>, #hivm.address_space<gm>>, index, index) -> memref<?x?xf16, strided<[?, 1], offset: ?>, #hivm.address_space<gm>>
    "hivm.hir.wait_flag"() <{set_pipe = #hivm.pipe<PIPE_M>, static_event_id = #hivm.event<EVENT_ID0>, wait_pipe = #hivm.pipe<PIPE_FIX>}> : () -> ()
    "hivm.hir.fixpipe"(%51, %52) <{dma_mode = #hivm.dma_mode<nz2nd>, operandSegmentSizes = array<i32: 1, 1, 0, 0>, pre_quant = #hivm.fixpipe_pre_quant_mode<F322F16>}> : (memref<?x?x?x?xf32, strided<[?, ?, ?, 1], offset: ?>, #hivm.address_space<cc>>, memref<?x?xf16, strided<[?, 1], offset: ?>, #hivm.address_space<gm>>) -> ()
    "hivm.hir.pipe_barrier"() <{pipe = #hivm.pipe<PIPE_ALL>}> : () -> ()
    "func.return"() : () -> ()
  }) {SyncBlockLockArgIdx = 0 : i64, WorkspaceArgIdx = 1 : i64, func_dyn_memref_args = dense<[false, true, true, true, true, true, false, false, false, false, false, false, false, false, false]> : vector<15xi1>, hacc.entry, hacc.function_kind = #hacc.function_kind<DEVICE>, hivm.func_core_type = #hivm.func_core_type<AIC>, hivm.storage_aligned, parallel_mode = "simd"} : () -> ()
}) : () -> ()

