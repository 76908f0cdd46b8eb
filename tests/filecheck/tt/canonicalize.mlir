// RUN: tilescope-opt %s -p canonicalize | filecheck %s

"builtin.module"() ({
  // Constants fold through shapes; x * 1 + 0 is x.
  // CHECK-LABEL: @constants
  // CHECK-NEXT:    [[C:%.*]] = arith.constant dense<6> : tensor<4x8xi32>
  // CHECK-NEXT:    [[SUM:%.*]] = arith.addi %x, [[C]]
  // CHECK-NEXT:    tt.return [[SUM]]
  "tt.func"() ({
  ^bb0(%x: tensor<4x8xi32>):
    %two = "arith.constant"() {value = 2 : i32} : () -> i32
    %three = "arith.constant"() {value = 3 : i32} : () -> i32
    %six = "arith.muli"(%two, %three) : (i32, i32) -> i32
    %line = "tt.splat"(%six) : (i32) -> tensor<8xi32>
    %row = "tt.expand_dims"(%line) {axis = 0 : i32} : (tensor<8xi32>) -> tensor<1x8xi32>
    %all = "tt.broadcast"(%row) : (tensor<1x8xi32>) -> tensor<4x8xi32>
    %zero = "arith.constant"() {value = dense<0> : tensor<4x8xi32>} : () -> tensor<4x8xi32>
    %one = "arith.constant"() {value = dense<1> : tensor<4x8xi32>} : () -> tensor<4x8xi32>
    %same = "arith.muli"(%x, %one) : (tensor<4x8xi32>, tensor<4x8xi32>) -> tensor<4x8xi32>
    %still = "arith.addi"(%same, %zero) : (tensor<4x8xi32>, tensor<4x8xi32>) -> tensor<4x8xi32>
    %sum = "arith.addi"(%still, %all) : (tensor<4x8xi32>, tensor<4x8xi32>) -> tensor<4x8xi32>
    "tt.return"(%sum) : (tensor<4x8xi32>) -> ()
  }) {sym_name = "constants", function_type = (tensor<4x8xi32>) -> tensor<4x8xi32>} : () -> ()

  // A branch that is always taken; the other one goes with its store.
  // CHECK-LABEL: @branch
  // CHECK-NEXT:    tt.store %p, %v
  // CHECK-NEXT:    tt.return
  "tt.func"() ({
  ^bb0(%p: !tt.ptr<f32>, %v: f32, %w: f32):
    %true = "arith.constant"() {value = true} : () -> i1
    %r = "scf.if"(%true) ({
      "scf.yield"(%v) : (f32) -> ()
    }, {
      "tt.store"(%p, %w) : (!tt.ptr<f32>, f32) -> ()
      "scf.yield"(%w) : (f32) -> ()
    }) : (i1) -> f32
    "tt.store"(%p, %r) : (!tt.ptr<f32>, f32) -> ()
    "tt.return"() : () -> ()
  }) {sym_name = "branch", function_type = (!tt.ptr<f32>, f32, f32) -> ()} : () -> ()

  // Of three carried values one never changes and one is for nobody.
  // CHECK-LABEL: @carried
  // CHECK:         [[R:%.*]] = scf.for %i = {{.*}} iter_args([[ACC:%.*]] = %a) -> (f32)
  // CHECK-NEXT:      [[NEXT:%.*]] = arith.addf [[ACC]], %b : f32
  // CHECK-NEXT:      scf.yield [[NEXT]] : f32
  // CHECK:         tt.return [[R]] : f32
  "tt.func"() ({
  ^bb0(%n: i32, %a: f32, %b: f32):
    %zero = "arith.constant"() {value = 0 : i32} : () -> i32
    %one = "arith.constant"() {value = 1 : i32} : () -> i32
    %r:3 = "scf.for"(%zero, %n, %one, %a, %b, %b) ({
    ^bb0(%i: i32, %acc: f32, %same: f32, %idle: f32):
      %next = "arith.addf"(%acc, %same) : (f32, f32) -> f32
      "scf.yield"(%next, %same, %a) : (f32, f32, f32) -> ()
    }) : (i32, i32, i32, f32, f32, f32) -> (f32, f32, f32)
    "tt.return"(%r#0) : (f32) -> ()
  }) {sym_name = "carried", function_type = (i32, f32, f32) -> f32} : () -> ()

  // A loop of one iteration is its body; one of none is nothing.
  // CHECK-LABEL: @short
  // CHECK-NEXT:    [[ONCE:%.*]] = arith.addf %q, %q : f32
  // CHECK-NEXT:    tt.return [[ONCE]] : f32
  "tt.func"() ({
  ^bb0(%q: f32):
    %zero = "arith.constant"() {value = 0 : i32} : () -> i32
    %four = "arith.constant"() {value = 4 : i32} : () -> i32
    %once = "scf.for"(%zero, %four, %four, %q) ({
    ^bb0(%i: i32, %acc: f32):
      %next = "arith.addf"(%acc, %acc) : (f32, f32) -> f32
      "scf.yield"(%next) : (f32) -> ()
    }) : (i32, i32, i32, f32) -> f32
    %never = "scf.for"(%four, %zero, %four, %once) ({
    ^bb0(%i: i32, %acc: f32):
      %next = "arith.addf"(%acc, %acc) : (f32, f32) -> f32
      "scf.yield"(%next) : (f32) -> ()
    }) : (i32, i32, i32, f32) -> f32
    "tt.return"(%never) : (f32) -> ()
  }) {sym_name = "short", function_type = (f32) -> f32} : () -> ()
}) : () -> ()
