// RUN: tilescope-opt %s -p dce | filecheck %s

// A chain that nobody uses goes; so does a private function once its only caller has gone. Effects stay.

// CHECK-NOT:   @idle
// CHECK-NOT:   @nested
// CHECK-LABEL: @kernel
// CHECK-NEXT:    tt.store %p, %x
// CHECK-NEXT:    tt.return
"builtin.module"() ({
  "tt.func"() ({
    "tt.return"() : () -> ()
  }) {sym_name = "nested", function_type = () -> (), sym_visibility = "private"} : () -> ()
  "tt.func"() ({
    "tt.call"() {callee = @nested} : () -> ()
    "tt.return"() : () -> ()
  }) {sym_name = "idle", function_type = () -> (), sym_visibility = "private"} : () -> ()
  "tt.func"() ({
  ^bb0(%p: !tt.ptr<f32>, %x: f32):
    %a = "arith.addf"(%x, %x) : (f32, f32) -> f32
    %b = "arith.mulf"(%a, %x) : (f32, f32) -> f32
    "tt.store"(%p, %x) : (!tt.ptr<f32>, f32) -> ()
    "tt.return"() : () -> ()
  }) {sym_name = "kernel", function_type = (!tt.ptr<f32>, f32) -> (), sym_visibility = "public"} : () -> ()
}) : () -> ()
