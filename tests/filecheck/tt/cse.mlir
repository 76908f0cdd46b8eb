// RUN: tilescope-opt %s -p cse | filecheck %s

"builtin.module"() ({
  // Equal ops once, also in a loop that an equal op dominates, and whichever way round a sum is written.
  // CHECK-LABEL: @once
  // CHECK-NEXT:    [[S:%.*]] = arith.addi %a, %b : i32
  // CHECK-NEXT:    scf.for
  // CHECK-NEXT:      [[D:%.*]] = arith.subi %b, %a : i32
  // CHECK-NEXT:      [[M:%.*]] = arith.muli [[S]], [[D]] : i32
  // CHECK-NEXT:      tt.store %p, [[M]]
  // CHECK-NEXT:      scf.yield
  // CHECK-NEXT:    }
  // CHECK-NEXT:    [[T:%.*]] = arith.subi %b, %a : i32
  // CHECK-NEXT:    tt.store %p, [[T]]
  "tt.func"() ({
  ^bb0(%p: !tt.ptr<i32>, %a: i32, %b: i32):
    %s = "arith.addi"(%a, %b) : (i32, i32) -> i32
    "scf.for"(%a, %b, %s) ({
    ^bb0(%i: i32):
      %s2 = "arith.addi"(%b, %a) : (i32, i32) -> i32
      %d = "arith.subi"(%b, %a) : (i32, i32) -> i32
      %m = "arith.muli"(%s2, %d) : (i32, i32) -> i32
      "tt.store"(%p, %m) : (!tt.ptr<i32>, i32) -> ()
      "scf.yield"() : () -> ()
    }) : (i32, i32, i32) -> ()
    %t = "arith.subi"(%b, %a) : (i32, i32) -> i32
    "tt.store"(%p, %t) : (!tt.ptr<i32>, i32) -> ()
    "tt.return"() : () -> ()
  }) {sym_name = "once", function_type = (!tt.ptr<i32>, i32, i32) -> ()} : () -> ()

  // Reads of memory are not equal; 0.0 and -0.0 are not; reductions with the same combiner are.
  // CHECK-LABEL: @twice
  // CHECK:         tt.load %p
  // CHECK:         tt.load %p
  // CHECK:         arith.constant 0.0
  // CHECK:         arith.constant -0.0
  // CHECK:         "tt.reduce"
  // CHECK-NOT:     "tt.reduce"
  "tt.func"() ({
  ^bb0(%p: !tt.ptr<f32>, %x: tensor<8xf32>):
    %a = "tt.load"(%p) : (!tt.ptr<f32>) -> f32
    %b = "tt.load"(%p) : (!tt.ptr<f32>) -> f32
    %zero = "arith.constant"() {value = 0.0 : f32} : () -> f32
    %minus = "arith.constant"() {value = -0.0 : f32} : () -> f32
    %s = "tt.reduce"(%x) ({
    ^bb0(%l: f32, %r: f32):
      %c = "arith.addf"(%l, %r) : (f32, f32) -> f32
      "tt.reduce.return"(%c) : (f32) -> ()
    }) {axis = 0 : i32} : (tensor<8xf32>) -> f32
    %t = "tt.reduce"(%x) ({
    ^bb0(%l: f32, %r: f32):
      %c = "arith.addf"(%l, %r) : (f32, f32) -> f32
      "tt.reduce.return"(%c) : (f32) -> ()
    }) {axis = 0 : i32} : (tensor<8xf32>) -> f32
    "tt.return"(%a, %b, %zero, %minus, %s, %t) : (f32, f32, f32, f32, f32, f32) -> ()
  }) {sym_name = "twice", function_type = (!tt.ptr<f32>, tensor<8xf32>) -> (f32, f32, f32, f32, f32, f32)} : () -> ()
}) : () -> ()
