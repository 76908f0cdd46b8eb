// RUN: tilescope-opt %s -p licm | filecheck %s

// What depends on neither loop leaves both; what depends on the outer index leaves the inner one. Loads stay, and so does a
// division that might be by zero when the loop runs no iteration.

// CHECK-LABEL: @loops
// CHECK-NEXT:    [[S:%.*]] = arith.addi %a, %b : i32
// CHECK-NEXT:    scf.for %i
// CHECK-NEXT:      [[M:%.*]] = arith.muli [[S]], %i : i32
// CHECK-NEXT:      scf.for %j
// CHECK-NEXT:        [[L:%.*]] = tt.load %p
// CHECK-NEXT:        [[D:%.*]] = arith.divsi %a, %b : i32
// CHECK-NEXT:        [[X:%.*]] = arith.addi [[M]], %j : i32
// CHECK-NEXT:        tt.store %p, [[X]]
"builtin.module"() ({
  "tt.func"() ({
  ^bb0(%p: !tt.ptr<i32>, %a: i32, %b: i32):
    "scf.for"(%a, %b, %a) ({
    ^bb0(%i: i32):
      "scf.for"(%a, %b, %a) ({
      ^bb0(%j: i32):
        %l = "tt.load"(%p) : (!tt.ptr<i32>) -> i32
        %d = "arith.divsi"(%a, %b) : (i32, i32) -> i32
        %s = "arith.addi"(%a, %b) : (i32, i32) -> i32
        %m = "arith.muli"(%s, %i) : (i32, i32) -> i32
        %x = "arith.addi"(%m, %j) : (i32, i32) -> i32
        "tt.store"(%p, %x) : (!tt.ptr<i32>, i32) -> ()
        "scf.yield"() : () -> ()
      }) : (i32, i32, i32) -> ()
      "scf.yield"() : () -> ()
    }) : (i32, i32, i32) -> ()
    "tt.return"() : () -> ()
  }) {sym_name = "loops", function_type = (!tt.ptr<i32>, i32, i32) -> ()} : () -> ()
}) : () -> ()
