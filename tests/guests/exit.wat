;; Ends itself as a process would.
(core module $guest
  (import "libc" "memory" (memory 1))
  (import "wasi" "exit" (func $exit (param i32)))

  (func (export "execute") (param i32 i32) (result i32)
    ;; The case `err` of the status.
    (call $exit (i32.const 1))
    unreachable))
