/** Generated from compiler_core's structs by scripts/generate_types.py; run `npm run types` after changing those. */

export interface Accepted {
  readonly type: "accepted";
  readonly seq?: number;
  readonly key: string;
  readonly position: number;
}

export interface Cancelled {
  readonly type: "cancelled";
  readonly seq?: number;
  readonly by: string;
}

export interface Catalogue {
  readonly chips: readonly ChipEntry[];
  readonly engines: readonly EngineEntry[];
  readonly passes: readonly PassEntry[];
  readonly examples: readonly ExampleEntry[];
  readonly messages: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly fidelity?: Fidelity | null;
}

export interface Change {
  readonly kind: "fused" | "gone" | "moved" | "new" | "rewritten";
  readonly before: readonly number[];
  readonly after: readonly number[];
}

export interface ChipEntry {
  readonly name: string;
  readonly summary: Readonly<Record<string, string>>;
  readonly clock_mhz: number;
  readonly organisation: "coupled" | "split";
  readonly buffers: Readonly<Record<string, number>>;
  readonly pipes: readonly string[];
}

export interface CompileRequest {
  readonly kind: "mlir" | "onnx" | "triton";
  readonly source?: string;
  readonly model_sha256?: string | null;
  readonly launch?: Launch | null;
  readonly chip?: string;
  readonly engine?: "bisheng" | "builtin";
  readonly options?: Options;
}

export interface CoreKind {
  readonly kind: string;
  readonly available: number;
  readonly active: number;
  readonly cycles: number;
  readonly pipes: Readonly<Record<string, PipeUse>>;
}

export interface CoreUse {
  readonly kind: string;
  readonly index: number;
  readonly blocks: number;
  readonly end: number;
  readonly pipes: Readonly<Record<string, PipeUse>>;
  readonly traffic: Readonly<Record<string, number>>;
  readonly read?: number;
  readonly missed?: number;
  readonly conflicts?: number;
  readonly masked?: number;
  readonly types?: Readonly<Record<string, number>>;
}

export interface Cycles {
  readonly total: number;
  readonly microseconds: number;
  readonly launch_microseconds: number;
  readonly pipes: Readonly<Record<string, number>>;
  readonly cores: readonly number[];
}

export interface Diagnostic {
  readonly severity: "error" | "note" | "warning";
  readonly message: Message;
  readonly spans?: readonly Span[];
  readonly node?: string | null;
  readonly fixits?: readonly FixIt[];
}

export interface DiagnosticEvent {
  readonly type: "diagnostic";
  readonly seq?: number;
  readonly diagnostic: Diagnostic;
}

export interface Diff {
  readonly counts: Readonly<Record<string, number>>;
  readonly changes: readonly Change[];
}

export interface Done {
  readonly type: "done";
  readonly seq?: number;
  readonly cycles: Cycles | null;
  readonly verification: Verification | null;
  readonly ms: number;
  readonly passes: number;
}

export interface EngineEntry {
  readonly name: string;
  readonly version: string;
  readonly available: boolean;
  readonly hint: Readonly<Record<string, string>>;
}

export interface ExampleEntry {
  readonly name: string;
  readonly title: Readonly<Record<string, string>>;
  readonly summary: Readonly<Record<string, string>>;
  readonly source: string;
  readonly launch: Launch;
}

export interface Failed {
  readonly type: "failed";
  readonly seq?: number;
  readonly diagnostic: Diagnostic;
  readonly status: number;
}

export interface Fidelity {
  readonly median: number;
  readonly worst: number;
  readonly cases: readonly FidelityCase[];
  readonly fitted?: readonly FittedParameter[];
}

export interface FidelityCase {
  readonly name: string;
  readonly published: number;
  readonly emulated: number;
  readonly error: number;
  readonly source: string;
  readonly schedule: string;
  readonly chip: string;
}

export interface FittedParameter {
  readonly parameter: string;
  readonly value: number;
  readonly to: string;
}

export interface FixIt {
  readonly label: Message;
  readonly edits: readonly TextEdit[];
}

export interface Gain {
  readonly cycles: number;
  readonly share: number;
}

export interface Inspection {
  readonly kernels: readonly KernelEntry[];
  readonly launch: Launch | null;
  readonly assumed: readonly string[];
}

export interface KernelEntry {
  readonly name: string;
  readonly line: number;
  readonly parameters: readonly Parameter[];
}

export interface Launch {
  readonly kernel?: string | null;
  readonly grid?: readonly (number | string)[];
  readonly arguments?: Readonly<Record<string, boolean | number | TensorArgument>>;
  readonly constexprs?: Readonly<Record<string, boolean | number | string | null>>;
}

export interface Message {
  readonly code: string;
  readonly arguments?: Readonly<Record<string, string | number>>;
  readonly text?: string;
}

export interface Options {
  readonly passes?: readonly string[];
  readonly stop_after?: string | null;
  readonly cycles?: "every-pass" | "final" | "none";
  readonly precision?: "bf16" | "fp16" | "fp32" | "mixed";
  readonly trace?: boolean;
}

export interface Output {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly blob: string;
  readonly minimum: number;
  readonly maximum: number;
  readonly mean: number;
  readonly finite: boolean;
  readonly verification: Verification | null;
}

export interface Outputs {
  readonly type: "outputs";
  readonly seq?: number;
  readonly outputs: readonly Output[];
}

export interface Parameter {
  readonly name: string;
  readonly kind: "constexpr" | "scalar" | "tensor";
  readonly default?: boolean | number | string | null;
  readonly annotated?: string;
}

export interface Pass {
  readonly type: "pass";
  readonly seq?: number;
  readonly index: number;
  readonly name: string;
  readonly scope: string;
  readonly stage_in: "graph" | "machine" | "tensor" | "tile" | "tt";
  readonly stage_out: "graph" | "machine" | "tensor" | "tile" | "tt";
  readonly mandatory: boolean;
  readonly ms: number;
  readonly changed: boolean;
  readonly ops: Readonly<Record<string, number>>;
  readonly ir: string;
  readonly lines: string;
  readonly diff: Diff | null;
  readonly cycles: Cycles | null;
  readonly cycles_reason?: Message | null;
  readonly memory?: Readonly<Record<string, number>>;
  readonly verification?: Verification | null;
  readonly diagnostics?: readonly Diagnostic[];
}

export interface PassEntry {
  readonly name: string;
  readonly summary: Readonly<Record<string, string>>;
  readonly stage_in: "graph" | "machine" | "tensor" | "tile" | "tt";
  readonly stage_out: "graph" | "machine" | "tensor" | "tile" | "tt";
  readonly mandatory: boolean;
}

export interface PathLine {
  readonly line: number;
  readonly pipe: string;
  readonly name: string;
  readonly cycles: number;
  readonly count: number;
}

export interface PipeUse {
  readonly busy: number;
  readonly stalls?: Readonly<Record<string, number>>;
  readonly instructions?: number;
}

export interface Profile {
  readonly type: "profile";
  readonly seq?: number;
  readonly scope: string;
  readonly utilisation: Readonly<Record<string, number>>;
  readonly traffic: Readonly<Record<string, number>>;
  readonly stalls: Readonly<Record<string, number>>;
  readonly roofline: readonly [number, number];
  readonly verdicts?: readonly Verdict[];
  readonly cycles?: number;
  readonly microseconds?: number;
  readonly launch_microseconds?: number;
  readonly blocks?: number;
  readonly roofs?: readonly [number, number, number];
  readonly l2_hits?: number | null;
  readonly kinds?: readonly CoreKind[];
  readonly memory?: Readonly<Record<string, number>>;
  readonly detail?: string;
}

export interface ProfileDetail {
  readonly cores: readonly CoreUse[];
  readonly occupancy?: readonly Series[];
  readonly bandwidth?: readonly Series[];
  readonly path?: readonly PathLine[];
}

export interface Series {
  readonly name: string;
  readonly core: string;
  readonly capacity: number;
  readonly points: readonly (readonly [number, number])[];
}

export interface Span {
  readonly line: number;
  readonly column?: number;
  readonly end_line?: number;
  readonly end_column?: number;
}

export interface Started {
  readonly type: "started";
  readonly seq?: number;
  readonly engine: string;
  readonly version: string;
  readonly chip: string;
  readonly clock_mhz: number;
  readonly launch: Launch | null;
  readonly attempt?: number;
}

export interface TensorArgument {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly fill?: string;
  readonly seed?: number;
  readonly strides?: readonly number[] | null;
}

export interface TextEdit {
  readonly span: Span;
  readonly text: string;
}

export interface Trace {
  readonly type: "trace";
  readonly seq?: number;
  readonly scope: string;
  readonly blob: string;
}

export interface Verdict {
  readonly message: Message;
  readonly advice: Message;
  readonly lines?: readonly number[];
  readonly rule?: string;
  readonly value?: number;
  readonly threshold?: number;
  readonly gain?: Gain | null;
}

export interface Verification {
  readonly max_abs: number | null;
  readonly max_rel: number | null;
  readonly against: string;
  readonly ok: boolean;
  readonly atol: number;
  readonly rtol: number;
}

export type AnyEvent = Accepted | Started | DiagnosticEvent | Pass | Profile | Trace | Outputs | Done | Failed | Cancelled;

export const DEFAULT_CHIP = "Ascend910B3";
