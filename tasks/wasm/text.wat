;; Goes into the module that engine.as.txt compiles to, behind its import of the memory. Rebuild with `deno run -A tasks/wasm/build.ts`.
;;
;; Hashes a JavaScript string without crossing the border once a character: the js-string builtins copy its UTF-16 units into a GC
;; array, and from there the low bytes go into the INPUT region of the engine's memory.
(import "wasm:js-string" "length" (func $text_length (param externref) (result i32)))
(import "wasm:js-string" "intoCharCodeArray"
  (func $into_units (param externref (ref null $units) i32) (result i32)))
(type $units (array (mut i16)))
(global $scratch (ref $units) (array.new_default $units (i32.const 10928)))

;; High word of the XXH64 of an ASCII text; -1 if the text is not ASCII or too long (or, once in 2^32, by chance).
;; Between calls $scratch holds ASCII only, so that reading on to a multiple of eight finds nothing that is not.
(func (export "hashAscii") (param $text externref) (result i32)
  (local $n i32) (local $i i32) (local $all i32) (local $from (ref $units))
  (local $c0 i32) (local $c1 i32) (local $c2 i32) (local $c3 i32)
  (local $c4 i32) (local $c5 i32) (local $c6 i32) (local $c7 i32)
  (local.set $n (call $text_length (local.get $text)))
  (if (i32.gt_u (local.get $n) (i32.const 10922)) (then (return (i32.const -1))))
  (local.set $from (global.get $scratch))
  (drop (call $into_units (local.get $text) (local.get $from) (i32.const 0)))
  (loop $eights
    (if (i32.lt_u (local.get $i) (local.get $n))
      (then
        (local.set $c0 (array.get_u $units (local.get $from) (local.get $i)))
        (local.set $c1 (array.get_u $units (local.get $from) (i32.add (local.get $i) (i32.const 1))))
        (local.set $c2 (array.get_u $units (local.get $from) (i32.add (local.get $i) (i32.const 2))))
        (local.set $c3 (array.get_u $units (local.get $from) (i32.add (local.get $i) (i32.const 3))))
        (local.set $c4 (array.get_u $units (local.get $from) (i32.add (local.get $i) (i32.const 4))))
        (local.set $c5 (array.get_u $units (local.get $from) (i32.add (local.get $i) (i32.const 5))))
        (local.set $c6 (array.get_u $units (local.get $from) (i32.add (local.get $i) (i32.const 6))))
        (local.set $c7 (array.get_u $units (local.get $from) (i32.add (local.get $i) (i32.const 7))))
        (local.set $all (i32.or (local.get $all) (i32.or
          (i32.or (i32.or (local.get $c0) (local.get $c1)) (i32.or (local.get $c2) (local.get $c3)))
          (i32.or (i32.or (local.get $c4) (local.get $c5)) (i32.or (local.get $c6) (local.get $c7))))))
        (i64.store (local.get $i) (i64.or
          (i64.extend_i32_u (i32.or
            (i32.or (local.get $c0) (i32.shl (local.get $c1) (i32.const 8)))
            (i32.or (i32.shl (local.get $c2) (i32.const 16)) (i32.shl (local.get $c3) (i32.const 24)))))
          (i64.shl (i64.extend_i32_u (i32.or
            (i32.or (local.get $c4) (i32.shl (local.get $c5) (i32.const 8)))
            (i32.or (i32.shl (local.get $c6) (i32.const 16)) (i32.shl (local.get $c7) (i32.const 24))))) (i64.const 32))))
        (local.set $i (i32.add (local.get $i) (i32.const 8)))
        (br $eights))))
  (if (i32.gt_u (local.get $all) (i32.const 127))
    (then
      (array.fill $units (local.get $from) (i32.const 0) (i32.const 0) (local.get $n))
      (return (i32.const -1))))
  (call $engine/hash (local.get $n)))
