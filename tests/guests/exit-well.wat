;; Ends itself as a process does that went well.
(core module $guest
  (import "libc" "memory" (memory 1))
  (import "wasi" "exit" (func $exit (param i32)))

  (func (export "execute") (param i32 i32) (result i32)
    (call $exit (i32.const 0))
    unreachable))
