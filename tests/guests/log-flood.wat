;; Writes lines of 8 KiB to its log for ever.
(core module $guest
  (import "libc" "memory" (memory 1))
  (import "skep" "log" (func $log (param i32 i32 i32 i32 i32 i32)))

  (func (export "execute") (param i32 i32) (result i32)
    (memory.fill (i32.const 8192) (i32.const 120) (i32.const 8192))
    (loop $more
      ;; As information, without a detail.
      (call $log (i32.const 1) (i32.const 8192) (i32.const 8192)
        (i32.const 0) (i32.const 0) (i32.const 0))
      (br $more))
    unreachable))
