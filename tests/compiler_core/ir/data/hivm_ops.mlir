// Every op of hivm in its custom form.
func.func @every_op(
  %v0: memref<64xf32, #hivm.address_space<ub>>,
  %v1: memref<64xi16, #hivm.address_space<ub>>,
  %v2: f32,
  %v3: memref<8xf32, #hivm.address_space<ub>>,
  %v4: memref<4x8xf32, #hivm.address_space<ub>>,
  %v5: memref<1x8xf32, #hivm.address_space<ub>>,
  %v6: memref<4x2x8xf32, #hivm.address_space<ub>>,
  %v7: memref<2x4x8xf32, #hivm.address_space<ub>>,
  %v8: tensor<64xf32>,
  %v9: memref<64xi32, #hivm.address_space<ub>>,
  %v10: i32,
  %v11: memref<64xi1, #hivm.address_space<ub>>,
  %v12: memref<64xf16, #hivm.address_space<ub>>,
  %v13: memref<4x1xf32, #hivm.address_space<ub>>,
  %v14: memref<4x1xi32, #hivm.address_space<ub>>,
  %v15: memref<16x8xf32, #hivm.address_space<ub>>,
  %v16: memref<8x16xf32, #hivm.address_space<ub>>,
  %v17: index,
  %v18: memref<4x8xi32, #hivm.address_space<ub>>,
  %v19: memref<128xf32, #hivm.address_space<ub>>,
  %v20: memref<6x10xf32, #hivm.address_space<ub>>,
  %v21: memref<64xf32, #hivm.address_space<gm>>,
  %v22: i1,
  %v23: memref<64x64xf16, #hivm.address_space<gm>>,
  %v24: memref<4x4x16x16xf16, #hivm.address_space<cbuf>>,
  %v25: f16,
  %v26: memref<4x4x16x16xf32, #hivm.address_space<cc>>,
  %v27: memref<64x64xf32, #hivm.address_space<gm>>,
  %v28: tensor<64x64xf32>,
  %v29: tensor<64x64xf16>,
  %v30: memref<64xi64, #hivm.address_space<ub>>,
  %v31: i64,
  %v32: memref<64xf32, #hivm.address_space<cbuf>>,
  %v33: tensor<2x64x64xf16>,
  %v34: tensor<2x64x64xf32>,
  %v35: tensor<1x16x32xf16>,
  %v36: tensor<16x16x3xf16>,
  %v37: tensor<1x16x32xf32>,
  %v38: tensor<1x16x8x8xf16>,
  %v39: tensor<16x16x3x3xf16>,
  %v40: tensor<1x16x8x8xf32>,
  %v41: tensor<1x16x8x8x8xf16>,
  %v42: tensor<16x16x3x3x3xf16>,
  %v43: tensor<1x16x8x8x8xf32>,
  %v44: memref<8xi64, #hivm.address_space<gm>>,
  %v45: memref<2x64x64xf16, #hivm.address_space<gm>>,
  %v46: memref<2xi64, #hivm.address_space<gm>>,
  %v47: memref<?xi8>,
  %v48: !llvm.ptr<1>,
  %v49: memref<?xf32, #hivm.address_space<gm>>,
  %v50: tensor<64xi64>
) {
  %lk = hivm.hir.create_sync_block_lock : memref<1xi64>
  hivm.hir.sync_block_lock lock_var(%lk : memref<1xi64>)
  hivm.hir.sync_block_unlock lock_var(%lk : memref<1xi64>)
  hivm.hir.free_lock_var lock_var(%lk : memref<1xi64>)
  hivm.hir.vexp ins(%v0 : memref<64xf32, #hivm.address_space<ub>>) outs(%v0 : memref<64xf32, #hivm.address_space<ub>>)
  hivm.hir.vln ins(%v0 : memref<64xf32, #hivm.address_space<ub>>) outs(%v0 : memref<64xf32, #hivm.address_space<ub>>)
  hivm.hir.vabs ins(%v0 : memref<64xf32, #hivm.address_space<ub>>) outs(%v0 : memref<64xf32, #hivm.address_space<ub>>)
  hivm.hir.vrelu ins(%v0 : memref<64xf32, #hivm.address_space<ub>>) outs(%v0 : memref<64xf32, #hivm.address_space<ub>>)
  hivm.hir.vrsqrt ins(%v0 : memref<64xf32, #hivm.address_space<ub>>) outs(%v0 : memref<64xf32, #hivm.address_space<ub>>)
  hivm.hir.vsqrt ins(%v0 : memref<64xf32, #hivm.address_space<ub>>) outs(%v0 : memref<64xf32, #hivm.address_space<ub>>)
  hivm.hir.vrec ins(%v0 : memref<64xf32, #hivm.address_space<ub>>) outs(%v0 : memref<64xf32, #hivm.address_space<ub>>)
  hivm.hir.vtanh ins(%v0 : memref<64xf32, #hivm.address_space<ub>>) outs(%v0 : memref<64xf32, #hivm.address_space<ub>>)
  hivm.hir.vsin ins(%v0 : memref<64xf32, #hivm.address_space<ub>>) outs(%v0 : memref<64xf32, #hivm.address_space<ub>>)
  hivm.hir.vcos ins(%v0 : memref<64xf32, #hivm.address_space<ub>>) outs(%v0 : memref<64xf32, #hivm.address_space<ub>>)
  hivm.hir.verf ins(%v0 : memref<64xf32, #hivm.address_space<ub>>) outs(%v0 : memref<64xf32, #hivm.address_space<ub>>)
  hivm.hir.vnot ins(%v1 : memref<64xi16, #hivm.address_space<ub>>) outs(%v1 : memref<64xi16, #hivm.address_space<ub>>)
  hivm.hir.vadd ins(%v0, %v0 : memref<64xf32, #hivm.address_space<ub>>, memref<64xf32, #hivm.address_space<ub>>) outs(%v0 : memref<64xf32, #hivm.address_space<ub>>)
  hivm.hir.vsub ins(%v0, %v0 : memref<64xf32, #hivm.address_space<ub>>, memref<64xf32, #hivm.address_space<ub>>) outs(%v0 : memref<64xf32, #hivm.address_space<ub>>)
  hivm.hir.vmul ins(%v0, %v0 : memref<64xf32, #hivm.address_space<ub>>, memref<64xf32, #hivm.address_space<ub>>) outs(%v0 : memref<64xf32, #hivm.address_space<ub>>)
  hivm.hir.vdiv ins(%v0, %v0 : memref<64xf32, #hivm.address_space<ub>>, memref<64xf32, #hivm.address_space<ub>>) outs(%v0 : memref<64xf32, #hivm.address_space<ub>>)
  hivm.hir.vmax ins(%v0, %v0 : memref<64xf32, #hivm.address_space<ub>>, memref<64xf32, #hivm.address_space<ub>>) outs(%v0 : memref<64xf32, #hivm.address_space<ub>>)
  hivm.hir.vmin ins(%v0, %v0 : memref<64xf32, #hivm.address_space<ub>>, memref<64xf32, #hivm.address_space<ub>>) outs(%v0 : memref<64xf32, #hivm.address_space<ub>>)
  hivm.hir.vadd {tag = 1 : i32} ins(%v0, %v2 : memref<64xf32, #hivm.address_space<ub>>, f32) outs(%v0 : memref<64xf32, #hivm.address_space<ub>>) temp_buffer(%v3 : memref<8xf32, #hivm.address_space<ub>>)
  hivm.hir.vadd ins(%v4, %v5 : memref<4x8xf32, #hivm.address_space<ub>>, memref<1x8xf32, #hivm.address_space<ub>>) outs(%v4 : memref<4x8xf32, #hivm.address_space<ub>>) broadcast = [0]
  hivm.hir.vabs ins(%v6 : memref<4x2x8xf32, #hivm.address_space<ub>>) outs(%v7 : memref<2x4x8xf32, #hivm.address_space<ub>>) transpose = [1, 0, 2]
  %t0 = hivm.hir.vadd ins(%v8, %v8 : tensor<64xf32>, tensor<64xf32>) outs(%v8 : tensor<64xf32>) -> tensor<64xf32>
  hivm.hir.vand ins(%v1, %v1 : memref<64xi16, #hivm.address_space<ub>>, memref<64xi16, #hivm.address_space<ub>>) outs(%v1 : memref<64xi16, #hivm.address_space<ub>>)
  hivm.hir.vor ins(%v1, %v1 : memref<64xi16, #hivm.address_space<ub>>, memref<64xi16, #hivm.address_space<ub>>) outs(%v1 : memref<64xi16, #hivm.address_space<ub>>)
  hivm.hir.vxor ins(%v1, %v1 : memref<64xi16, #hivm.address_space<ub>>, memref<64xi16, #hivm.address_space<ub>>) outs(%v1 : memref<64xi16, #hivm.address_space<ub>>)
  hivm.hir.vmod ins(%v9, %v9 : memref<64xi32, #hivm.address_space<ub>>, memref<64xi32, #hivm.address_space<ub>>) outs(%v9 : memref<64xi32, #hivm.address_space<ub>>)
  hivm.hir.vpow ins(%v9, %v9 : memref<64xi32, #hivm.address_space<ub>>, memref<64xi32, #hivm.address_space<ub>>) outs(%v9 : memref<64xi32, #hivm.address_space<ub>>)
  hivm.hir.vshl ins(%v9, %v10 : memref<64xi32, #hivm.address_space<ub>>, i32) outs(%v9 : memref<64xi32, #hivm.address_space<ub>>)
  hivm.hir.vshr ins(%v9, %v10 : memref<64xi32, #hivm.address_space<ub>>, i32) outs(%v9 : memref<64xi32, #hivm.address_space<ub>>) round : false
  hivm.hir.vmulext ins(%v9, %v9 : memref<64xi32, #hivm.address_space<ub>>, memref<64xi32, #hivm.address_space<ub>>) outs(%v9 : memref<64xi32, #hivm.address_space<ub>>)
  hivm.hir.vmulextui ins(%v9, %v9 : memref<64xi32, #hivm.address_space<ub>>, memref<64xi32, #hivm.address_space<ub>>) outs(%v9 : memref<64xi32, #hivm.address_space<ub>>)
  hivm.hir.vmulextended ins(%v1, %v1 : memref<64xi16, #hivm.address_space<ub>>, memref<64xi16, #hivm.address_space<ub>>) outs(%v1, %v1 : memref<64xi16, #hivm.address_space<ub>>, memref<64xi16, #hivm.address_space<ub>>)
  hivm.hir.vcmp ins(%v0, %v0 : memref<64xf32, #hivm.address_space<ub>>, memref<64xf32, #hivm.address_space<ub>>) outs(%v11 : memref<64xi1, #hivm.address_space<ub>>) compare_mode = <lt>
  hivm.hir.vsel ins(%v11, %v0, %v0 : memref<64xi1, #hivm.address_space<ub>>, memref<64xf32, #hivm.address_space<ub>>, memref<64xf32, #hivm.address_space<ub>>) outs(%v0 : memref<64xf32, #hivm.address_space<ub>>)
  hivm.hir.vcast ins(%v0 : memref<64xf32, #hivm.address_space<ub>>) outs(%v12 : memref<64xf16, #hivm.address_space<ub>>) round_mode = <floor>
  hivm.hir.vcast ins(%v0 : memref<64xf32, #hivm.address_space<ub>>) outs(%v12 : memref<64xf16, #hivm.address_space<ub>>)
  hivm.hir.vbrc ins(%v2 : f32) outs(%v0 : memref<64xf32, #hivm.address_space<ub>>)
  hivm.hir.vbrc ins(%v5 : memref<1x8xf32, #hivm.address_space<ub>>) outs(%v4 : memref<4x8xf32, #hivm.address_space<ub>>) broadcast_dims = [0]
  hivm.hir.vreduce <sum> ins(%v4 : memref<4x8xf32, #hivm.address_space<ub>>) outs(%v13 : memref<4x1xf32, #hivm.address_space<ub>>) reduce_dims = [1]
  hivm.hir.vreduce <max_with_index_left> ins(%v4 : memref<4x8xf32, #hivm.address_space<ub>>) outs(%v13, %v14 : memref<4x1xf32, #hivm.address_space<ub>>, memref<4x1xi32, #hivm.address_space<ub>>) reduce_dims = [1]
  hivm.hir.vtranspose ins(%v15 : memref<16x8xf32, #hivm.address_space<ub>>) outs(%v16 : memref<8x16xf32, #hivm.address_space<ub>>) permutation = [1, 0]
  hivm.hir.varange offset[%v17] strides[%v17] outs(%v9 : memref<64xi32, #hivm.address_space<ub>>)
  hivm.hir.varange strides[%v17, %v17] outs(%v18 : memref<4x8xi32, #hivm.address_space<ub>>)
  hivm.hir.vinterleave ins(%v0, %v0 : memref<64xf32, #hivm.address_space<ub>>, memref<64xf32, #hivm.address_space<ub>>) outs(%v19 : memref<128xf32, #hivm.address_space<ub>>) interleave_channel_nums = 2
  hivm.hir.vdeinterleave ins(%v19 : memref<128xf32, #hivm.address_space<ub>>) outs(%v0, %v0 : memref<64xf32, #hivm.address_space<ub>>, memref<64xf32, #hivm.address_space<ub>>) channel_num = 2 index_mode = <ALL_CHANNELS>
  hivm.hir.vdeinterleave ins(%v19 : memref<128xf32, #hivm.address_space<ub>>) outs(%v0 : memref<64xf32, #hivm.address_space<ub>>) index_mode = <CHANNEL_0>
  hivm.hir.vflip ins(%v0 : memref<64xf32, #hivm.address_space<ub>>) outs(%v0 : memref<64xf32, #hivm.address_space<ub>>) flip_axis = 0
  hivm.hir.vpad ins(%v4 : memref<4x8xf32, #hivm.address_space<ub>>) outs(%v20 : memref<6x10xf32, #hivm.address_space<ub>>) low[1, 1] high[1, %v17] pad_value %v2 : f32
  hivm.hir.vconcat dim(0) ins(%v0, %v0 : memref<64xf32, #hivm.address_space<ub>>, memref<64xf32, #hivm.address_space<ub>>) outs(%v19 : memref<128xf32, #hivm.address_space<ub>>)
  hivm.hir.vgather ins(%v0 : memref<64xf32, #hivm.address_space<ub>>) indices(%v9 : memref<64xi32, #hivm.address_space<ub>>) outs(%v0 : memref<64xf32, #hivm.address_space<ub>>)
  hivm.hir.vgathermask ins(%v0 : memref<64xf32, #hivm.address_space<ub>>) mask(%v11 : memref<64xi1, #hivm.address_space<ub>>) outs(%v0 : memref<64xf32, #hivm.address_space<ub>>)
  hivm.hir.vcumsum ins(%v4 : memref<4x8xf32, #hivm.address_space<ub>>) outs(%v4 : memref<4x8xf32, #hivm.address_space<ub>>) cum_dims = [0] reverse = false
  hivm.hir.vcumprod ins(%v4 : memref<4x8xf32, #hivm.address_space<ub>>) outs(%v4 : memref<4x8xf32, #hivm.address_space<ub>>) cum_dims = [0] reverse = true
  hivm.hir.vsort ins(%v0 : memref<64xf32, #hivm.address_space<ub>>) outs(%v0 : memref<64xf32, #hivm.address_space<ub>>) descending = true sort_axis = 0
  hivm.hir.load ins(%v21 : memref<64xf32, #hivm.address_space<gm>>) outs(%v0 : memref<64xf32, #hivm.address_space<ub>>)
  hivm.hir.load ins(%v21 : memref<64xf32, #hivm.address_space<gm>>) outs(%v0 : memref<64xf32, #hivm.address_space<ub>>) pad_mode = <PadValue> pad_value = %v2 : f32 left_padding_num = %v17 : index init_out_buffer = true right_padding_num = %v17 : index init_condition = %v22 : i1 core_type = <VECTOR>
  hivm.hir.store ins(%v0 : memref<64xf32, #hivm.address_space<ub>>) outs(%v21 : memref<64xf32, #hivm.address_space<gm>>)
  hivm.hir.store ins(%v0 : memref<64xf32, #hivm.address_space<ub>>) outs(%v21 : memref<64xf32, #hivm.address_space<gm>>) atomic = <add>
  hivm.hir.copy ins(%v0 : memref<64xf32, #hivm.address_space<ub>>) outs(%v0 : memref<64xf32, #hivm.address_space<ub>>)
  hivm.hir.copy ins(%v0 : memref<64xf32, #hivm.address_space<ub>>) outs(%v0 : memref<64xf32, #hivm.address_space<ub>>) pad_mode = <PadValue> pad_value = %v2 : f32
  hivm.hir.nd2nz {dst_continuous} ins(%v23 : memref<64x64xf16, #hivm.address_space<gm>>) outs(%v24 : memref<4x4x16x16xf16, #hivm.address_space<cbuf>>) init_out_buffer = true pad_value = %v25 : f16 init_condition = %v22 : i1
  hivm.hir.nz2nd ins(%v24 : memref<4x4x16x16xf16, #hivm.address_space<cbuf>>) outs(%v23 : memref<64x64xf16, #hivm.address_space<gm>>)
  hivm.hir.fixpipe {dma_mode = #hivm.dma_mode<nz2nd>, pre_quant = #hivm.fixpipe_pre_quant_mode<F322F16>, pre_relu = #hivm.fixpipe_pre_relu_mode<NORMAL_RELU>} ins(%v26 : memref<4x4x16x16xf32, #hivm.address_space<cc>>) outs(%v23 : memref<64x64xf16, #hivm.address_space<gm>>)
  hivm.hir.fixpipe {enable_nz2nd} ins(%v26 : memref<4x4x16x16xf32, #hivm.address_space<cc>>) outs(%v27 : memref<64x64xf32, #hivm.address_space<gm>>)
  hivm.hir.fixpipe {dma_mode = #hivm.dma_mode<nz2nd>} ins(%v26 : memref<4x4x16x16xf32, #hivm.address_space<cc>>) outs(%v27 : memref<64x64xf32, #hivm.address_space<gm>>) unit_flag_mode([#hivm.unit_flag<ENABLED_WITH_UPDATE>])
  %fx = hivm.hir.fixpipe ins(%v28 : tensor<64x64xf32>) outs(%v29 : tensor<64x64xf16>) dual_dst_mode = <NO_DUAL> unit_flag_mode([#hivm.unit_flag<ENABLED_WITH_UPDATE>]) unit_flag_cond(%v22) -> tensor<64x64xf16>
  hivm.hir.indirect_store ins(%v0 : memref<64xf32, #hivm.address_space<ub>>, %v30 : memref<64xi64, #hivm.address_space<ub>>) outs(%v21 : memref<64xf32, #hivm.address_space<gm>>)
  hivm.hir.atomic_cas ins(%v0, %v0 : memref<64xf32, #hivm.address_space<ub>>, memref<64xf32, #hivm.address_space<ub>>) outs(%v21 : memref<64xf32, #hivm.address_space<gm>>)
  hivm.hir.atomic_xchg ins(%v0 : memref<64xf32, #hivm.address_space<ub>>) outs(%v21 : memref<64xf32, #hivm.address_space<gm>>)
  hivm.hir.atomic_rmw ins(%v0 : memref<64xf32, #hivm.address_space<ub>>) outs(%v21 : memref<64xf32, #hivm.address_space<gm>>) atomic_kind = <add>
  hivm.hir.mmadL1 ins(%v24, %v24, %v22, %v17, %v17, %v17 : memref<4x4x16x16xf16, #hivm.address_space<cbuf>>, memref<4x4x16x16xf16, #hivm.address_space<cbuf>>, i1, index, index, index) outs(%v26 : memref<4x4x16x16xf32, #hivm.address_space<cc>>)
  hivm.hir.mmadL1 {a_transpose, b_transpose, enable_HF32} ins(%v24, %v24, %v22, %v17, %v17, %v17 : memref<4x4x16x16xf16, #hivm.address_space<cbuf>>, memref<4x4x16x16xf16, #hivm.address_space<cbuf>>, i1, index, index, index) outs(%v26 : memref<4x4x16x16xf32, #hivm.address_space<cc>>) sync_related_args(%v31, %v31, %v31, %v31, %v31, %v31, %v31 : i64, i64, i64, i64, i64, i64, i64) unit_flag_mode([#hivm.unit_flag<DISABLED>])
  hivm.hir.mmadL1 ins(%v24, %v24, %v22, %v17, %v17, %v17, %v32 : memref<4x4x16x16xf16, #hivm.address_space<cbuf>>, memref<4x4x16x16xf16, #hivm.address_space<cbuf>>, i1, index, index, index, memref<64xf32, #hivm.address_space<cbuf>>) outs(%v26 : memref<4x4x16x16xf32, #hivm.address_space<cc>>)
  %t1 = hivm.hir.batchMmadL1 ins(%v33, %v33, %v22, %v17, %v17, %v17 : tensor<2x64x64xf16>, tensor<2x64x64xf16>, i1, index, index, index) outs(%v34 : tensor<2x64x64xf32>) -> tensor<2x64x64xf32>
  %c1 = hivm.hir.Conv1dL1 {groups = 1 : i32, padding = 1 : i32} ins(%v35, %v36, %v22 : tensor<1x16x32xf16>, tensor<16x16x3xf16>, i1) outs(%v37 : tensor<1x16x32xf32>) -> tensor<1x16x32xf32>
  %c2 = hivm.hir.Conv2dL1 {groups = 1 : i32, padding = 1 : i32} ins(%v38, %v39, %v22 : tensor<1x16x8x8xf16>, tensor<16x16x3x3xf16>, i1) outs(%v40 : tensor<1x16x8x8xf32>) -> tensor<1x16x8x8xf32>
  %c3 = hivm.hir.Conv3dL1 {groups = 1 : i32, padding = 1 : i32} ins(%v41, %v42, %v22 : tensor<1x16x8x8x8xf16>, tensor<16x16x3x3x3xf16>, i1) outs(%v43 : tensor<1x16x8x8x8xf32>) -> tensor<1x16x8x8x8xf32>
  hivm.hir.matmul ins(%v23, %v23 : memref<64x64xf16, #hivm.address_space<gm>>, memref<64x64xf16, #hivm.address_space<gm>>) outs(%v23 : memref<64x64xf16, #hivm.address_space<gm>>)
  hivm.hir.matmul ins(%v23, %v23 : memref<64x64xf16, #hivm.address_space<gm>>, memref<64x64xf16, #hivm.address_space<gm>>) outs(%v23 : memref<64x64xf16, #hivm.address_space<gm>>) bias = %v21 : memref<64xf32, #hivm.address_space<gm>> descale = %v21 : memref<64xf32, #hivm.address_space<gm>> a_transpose b_transpose descale_mode = <DescalePerChannel> block_sizes(%v31, %v31, %v31 : i64, i64, i64) process_sizes(%v31, %v31, %v31 : i64, i64, i64) swizzle_offset = %v31 : i64 swizzle_direction = %v31 : i64 epilogue_p_tiles = %v31 : i64
  hivm.hir.mix_matmul ins(%v23, %v23 : memref<64x64xf16, #hivm.address_space<gm>>, memref<64x64xf16, #hivm.address_space<gm>>) post_vector_func_ins(%v23 : memref<64x64xf16, #hivm.address_space<gm>>) workspace_ins(%v23 : memref<64x64xf16, #hivm.address_space<gm>>) outs(%v23 : memref<64x64xf16, #hivm.address_space<gm>>) tiling_params = %v44 : memref<8xi64, #hivm.address_space<gm>> comm_params = %v44 : memref<8xi64, #hivm.address_space<gm>>
  hivm.hir.mix_group_matmul ins(%v45, %v23, %v46 : memref<2x64x64xf16, #hivm.address_space<gm>>, memref<64x64xf16, #hivm.address_space<gm>>, memref<2xi64, #hivm.address_space<gm>>) post_vector_func_ins(%v23 : memref<64x64xf16, #hivm.address_space<gm>>) post_vector_func_outs(%v23 : memref<64x64xf16, #hivm.address_space<gm>>) workspace_ins(%v23 : memref<64x64xf16, #hivm.address_space<gm>>) outs(%v45 : memref<2x64x64xf16, #hivm.address_space<gm>>)
  hivm.hir.set_flag[<PIPE_MTE2>, <PIPE_V>, <EVENT_ID0>]
  hivm.hir.set_flag[<PIPE_V>, <PIPE_MTE3>, %v31]
  hivm.hir.wait_flag[<PIPE_MTE2>, <PIPE_V>, <EVENT_ID0>]
  hivm.hir.wait_flag[<PIPE_V>, <PIPE_MTE3>, %v31]
  hivm.hir.pipe_barrier[<PIPE_V>]
  hivm.hir.sync_block[<ALL>, 0 : index] tcube_pipe = <PIPE_FIX> tvector_pipe = <PIPE_MTE3>
  hivm.hir.sync_block[<ALL_VECTOR>, 1 : index] ffts_base_addr = %v31 tvector_pipe = <PIPE_MTE3>
  hivm.hir.sync_block[<BARRIER_CUBE>]
  hivm.hir.sync_block_set[<CUBE>, <PIPE_FIX>, <PIPE_MTE2>] flag = 0
  hivm.hir.sync_block_set[<CUBE>, <PIPE_FIX>, <PIPE_MTE2>] flag = %v31 ffts_base_addr = %v31
  hivm.hir.sync_block_set[<CUBE>, <PIPE_FIX>, <PIPE_MTE2>] flag = 3 ffts_base_addr = %v31 sync_instr_mode = <INTRA_BLOCK_SYNCHRONIZATION>
  hivm.hir.sync_block_wait[<VECTOR>, <PIPE_FIX>, <PIPE_MTE2>] flag = 1
  %lk2 = hivm.hir.create_sync_block_lock from %v47 : from memref<?xi8> to memref<1xi64>
  %g0 = hivm.hir.get_block_idx -> i64
  %g1 = hivm.hir.get_block_num -> i64
  %g2 = hivm.hir.get_sub_block_idx -> i64
  %g3 = hivm.hir.get_sub_block_num -> i64
  %g4 = hivm.hir.get_sys_cnt -> i64
  hivm.hir.set_mask_norm
  hivm.hir.init_debug
  hivm.hir.finish_debug
  %ls = hivm.hir.load_scalar %v48 : !llvm.ptr<1> -> f32
  hivm.hir.set_atomic kind = <add>[type = f32]
  hivm.hir.set_ctrl false at ctrl[60]
  hivm.hir.set_ffts_base_addr %v31
  hivm.hir.dcci(<all_cache_lines>, <out>)
  hivm.hir.dcci(<single_cache_line>, <atomic>, %v21 : memref<64xf32, #hivm.address_space<gm>>)
  %p0 = hivm.hir.pointer_cast(%v31) : memref<64xf32, #hivm.address_space<ub>>
  %p1 = hivm.hir.pointer_cast(%v31, %v31) [%v17] : memref<?xf32, #hivm.address_space<ub>>
  %b0 = hivm.hir.bitcast %v0 : memref<64xf32, #hivm.address_space<ub>> -> memref<64xi32, #hivm.address_space<ub>>
  hivm.hir.debug {debugtype = "print", hex = false, prefix = "x = "} %v2 : f32
  %cl = hivm.hir.convert_layout %v24 output_shape [64, 64] {dstLayout = #hivm.data_layout<ND>, srcLayout = #hivm.data_layout<nZ>} : (memref<4x4x16x16xf16, #hivm.address_space<cbuf>>) -> memref<64x64xf16, #hivm.address_space<cbuf>>
  %cu = hivm.hir.custom {hivm.tcore_type = #hivm.tcore_type<VECTOR>, hivm.pipe = #hivm.pipe<PIPE_V>, hivm.vf_mode = #hivm.vf_mode<SIMD>, symbol = "f"} "my_name" ins(%v8 : tensor<64xf32>) outs(%v8 : tensor<64xf32>) -> tensor<64xf32>
  hivm.hir.custom_macro {hivm.tcore_type = #hivm.tcore_type<VECTOR>, hivm.pipe_in = #hivm.pipe<PIPE_MTE2>, hivm.pipe_out = #hivm.pipe<PIPE_V>, hivm.vf_mode = #hivm.vf_mode<SIMD>, symbol = "f"} "my_name" ins(%v21 : memref<64xf32, #hivm.address_space<gm>>) outs(%v0 : memref<64xf32, #hivm.address_space<ub>>)
  %gl = hivm.hir.gather_load ins(%v49 : memref<?xf32, #hivm.address_space<gm>>, %v50 : tensor<64xi64>, %v10 : i32) outs(%v8 : tensor<64xf32>) -> tensor<64xf32>
  hivm.hir.scatter_store ins(%v50 : tensor<64xi64>, %v8 : tensor<64xf32>, %v10 : i32) outs(%v49 : memref<?xf32, #hivm.address_space<gm>>)
  return
}
