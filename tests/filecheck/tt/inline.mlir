// RUN: tilescope-opt %s -p inline | filecheck %s
// RUN: tilescope-opt %s -p inline --locations | filecheck %s --check-prefix=PLACE

// Helpers of helpers vanish into the kernel, and an inlined op names its own line and the line of the call.

// CHECK-LABEL: tt.func public @kernel
// CHECK-NEXT:    [[SQUARE:%.*]] = arith.mulf %x, %x : f32
// CHECK-NEXT:    %y = arith.addf [[SQUARE]], %x : f32
// CHECK-NEXT:    [[AGAIN:%.*]] = arith.mulf %y, %y : f32
// CHECK-NEXT:    [[Z:%.*]] = arith.addf [[AGAIN]], %y : f32
// CHECK-NEXT:    tt.store %p, [[Z]]
// CHECK-NEXT:    tt.return
// CHECK-NOT:   tt.func
// CHECK-NOT:   tt.call

// PLACE: arith.mulf %x, %x : f32 loc(fused["k.py":2:9, "k.py":6:12, "k.py":10:7])

"builtin.module"() ({
  "tt.func"() ({
  ^bb0(%v: f32):
    %s = "arith.mulf"(%v, %v) : (f32, f32) -> f32 loc("k.py":2:9)
    "tt.return"(%s) : (f32) -> () loc("k.py":2:3)
  }) {sym_name = "square", function_type = (f32) -> f32, sym_visibility = "private"} : () -> () loc("k.py":1:1)
  "tt.func"() ({
  ^bb0(%v: f32):
    %c = "tt.call"(%v) {callee = @square} : (f32) -> f32 loc("k.py":6:12)
    %r = "arith.addf"(%c, %v) : (f32, f32) -> f32 loc("k.py":6:5)
    "tt.return"(%r) : (f32) -> () loc("k.py":6:3)
  }) {sym_name = "helper", function_type = (f32) -> f32, sym_visibility = "private"} : () -> () loc("k.py":5:1)
  "tt.func"() ({
  ^bb0(%p: !tt.ptr<f32>, %x: f32):
    %y = "tt.call"(%x) {callee = @helper} : (f32) -> f32 loc("k.py":10:7)
    %z = "tt.call"(%y) {callee = @helper} : (f32) -> f32 loc("k.py":11:7)
    "tt.store"(%p, %z) : (!tt.ptr<f32>, f32) -> () loc("k.py":12:3)
    "tt.return"() : () -> () loc("k.py":9:1)
  }) {sym_name = "kernel", function_type = (!tt.ptr<f32>, f32) -> (), sym_visibility = "public"} : () -> () loc("k.py":9:1)
}) : () -> ()
