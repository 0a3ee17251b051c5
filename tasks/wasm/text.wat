;; Goes into the module that engine.as.txt compiles to, behind its import of the memory. Rebuild with `deno run -A tasks/wasm/build.ts`.
;;
;; Hashes a JavaScript string without crossing the border once a character: the js-string builtins copy its UTF-16 units into a GC
;; array, and from there they go through XXH64 eight at a time. To read them one by one with charCodeAt is as fast on V8 13.6 and takes
;; twice as long on V8 15 (measured).
(import "wasm:js-string" "length" (func $text_length (param externref) (result i32)))
(import "wasm:js-string" "intoCharCodeArray"
  (func $into_units (param externref (ref null $units) i32) (result i32)))
(type $units (array (mut i16)))
(global $scratch (ref $units) (array.new_default $units (i32.const 10928)))

;; High word of the XXH64 of an ASCII text, whose low word goes to RESULT; -1 if the text is not ASCII or too long (or, once in 2^32,
;; by chance). Between calls $scratch holds ASCII only, so that reading on to a multiple of eight finds nothing that is not.
;; Written out apart from xxh64 of the engine: through memory, and in three calls, it takes 4 ns of 57 longer (measured on V8 15).
(func (export "hashAscii") (param $text externref) (result i32)
  (local $n i32) (local $whole i32) (local $i i32) (local $from (ref $units))
  (local $even i64) (local $odd i64) (local $all i64) (local $word i64)
  (local $a i64) (local $b i64) (local $c i64) (local $d i64) (local $hash i64)
  (local.set $n (call $text_length (local.get $text)))
  (if (i32.gt_u (local.get $n) (i32.const 10922)) (then (return (i32.const -1))))
  (local.set $from (global.get $scratch))
  (drop (call $into_units (local.get $text) (local.get $from) (i32.const 0)))
  (local.set $a (i64.const 0x60EA27EEADC0B5D6)) ;; P1 + P2
  (local.set $b (i64.const 0xC2B2AE3D27D4EB4F)) ;; P2
  (local.set $d (i64.const 0x61C8864E7A143579)) ;; -P1
  (local.set $hash (i64.add (i64.const 0x27D4EB2F165667C5) (i64.extend_i32_u (local.get $n)))) ;; P5
  (local.set $whole (i32.and (local.get $n) (i32.const -32)))
  (loop $words
    ;; Units at even places and units at odd ones, each in 16 bits; put together when all of them turn out to have seven bits.
    (local.set $even (i64.or
      (i64.or
        (i64.extend_i32_u (array.get_u $units (local.get $from) (local.get $i)))
        (i64.shl (i64.extend_i32_u (array.get_u $units (local.get $from) (i32.add (local.get $i) (i32.const 2)))) (i64.const 16)))
      (i64.or
        (i64.shl (i64.extend_i32_u (array.get_u $units (local.get $from) (i32.add (local.get $i) (i32.const 4)))) (i64.const 32))
        (i64.shl (i64.extend_i32_u (array.get_u $units (local.get $from) (i32.add (local.get $i) (i32.const 6)))) (i64.const 48)))))
    (local.set $odd (i64.or
      (i64.or
        (i64.extend_i32_u (array.get_u $units (local.get $from) (i32.add (local.get $i) (i32.const 1))))
        (i64.shl (i64.extend_i32_u (array.get_u $units (local.get $from) (i32.add (local.get $i) (i32.const 3)))) (i64.const 16)))
      (i64.or
        (i64.shl (i64.extend_i32_u (array.get_u $units (local.get $from) (i32.add (local.get $i) (i32.const 5)))) (i64.const 32))
        (i64.shl (i64.extend_i32_u (array.get_u $units (local.get $from) (i32.add (local.get $i) (i32.const 7)))) (i64.const 48)))))
    (local.set $all (i64.or (local.get $all) (i64.or (local.get $even) (local.get $odd))))
    (local.set $word (i64.or (local.get $even) (i64.shl (local.get $odd) (i64.const 8))))
    (if (i32.lt_u (local.get $i) (local.get $whole))
      (then
        ;; The lanes take turns; after every four words they are where they were.
        (local.set $word (i64.mul
          (i64.rotl (i64.add (local.get $a) (i64.mul (local.get $word) (i64.const 0xC2B2AE3D27D4EB4F))) (i64.const 31))
          (i64.const 0x9E3779B185EBCA87)))
        (local.set $a (local.get $b))
        (local.set $b (local.get $c))
        (local.set $c (local.get $d))
        (local.set $d (local.get $word))
        (br_if $words (i32.ne (local.tee $i (i32.add (local.get $i) (i32.const 8))) (local.get $whole)))
        (local.set $hash (i64.add
          (i64.add (i64.rotl (local.get $a) (i64.const 1)) (i64.rotl (local.get $b) (i64.const 7)))
          (i64.add (i64.rotl (local.get $c) (i64.const 12)) (i64.rotl (local.get $d) (i64.const 18)))))
        (local.set $hash (i64.add
          (i64.mul
            (i64.xor (local.get $hash) (i64.mul (i64.rotl (i64.mul (local.get $a) (i64.const 0xC2B2AE3D27D4EB4F)) (i64.const 31)) (i64.const 0x9E3779B185EBCA87)))
            (i64.const 0x9E3779B185EBCA87))
          (i64.const 0x85EBCA77C2B2AE63)))
        (local.set $hash (i64.add
          (i64.mul
            (i64.xor (local.get $hash) (i64.mul (i64.rotl (i64.mul (local.get $b) (i64.const 0xC2B2AE3D27D4EB4F)) (i64.const 31)) (i64.const 0x9E3779B185EBCA87)))
            (i64.const 0x9E3779B185EBCA87))
          (i64.const 0x85EBCA77C2B2AE63)))
        (local.set $hash (i64.add
          (i64.mul
            (i64.xor (local.get $hash) (i64.mul (i64.rotl (i64.mul (local.get $c) (i64.const 0xC2B2AE3D27D4EB4F)) (i64.const 31)) (i64.const 0x9E3779B185EBCA87)))
            (i64.const 0x9E3779B185EBCA87))
          (i64.const 0x85EBCA77C2B2AE63)))
        (local.set $hash (i64.add
          (i64.mul
            (i64.xor (local.get $hash) (i64.mul (i64.rotl (i64.mul (local.get $d) (i64.const 0xC2B2AE3D27D4EB4F)) (i64.const 31)) (i64.const 0x9E3779B185EBCA87)))
            (i64.const 0x9E3779B185EBCA87))
          (i64.const 0x85EBCA77C2B2AE63)))
        (local.set $hash (i64.add (local.get $hash) (i64.extend_i32_u (local.get $n))))
        (br $words)))
    (if (i32.le_u (i32.add (local.get $i) (i32.const 8)) (local.get $n))
      (then
        (local.set $hash (i64.add
          (i64.mul
            (i64.rotl
              (i64.xor
                (local.get $hash)
                (i64.mul (i64.rotl (i64.mul (local.get $word) (i64.const 0xC2B2AE3D27D4EB4F)) (i64.const 31)) (i64.const 0x9E3779B185EBCA87)))
              (i64.const 27))
            (i64.const 0x9E3779B185EBCA87))
          (i64.const 0x85EBCA77C2B2AE63)))
        (local.set $i (i32.add (local.get $i) (i32.const 8)))
        (br $words))))
  (if (i64.ne (i64.and (local.get $all) (i64.const 0xff80ff80ff80ff80)) (i64.const 0))
    (then
      (array.fill $units (local.get $from) (i32.const 0) (i32.const 0) (local.get $n))
      (return (i32.const -1))))
  ;; What is left of the text, less than eight bytes, lies low in $word.
  (if (i32.and (local.get $n) (i32.const 4))
    (then
      (local.set $hash (i64.add
        (i64.mul
          (i64.rotl
            (i64.xor (local.get $hash) (i64.mul (i64.and (local.get $word) (i64.const 0xffffffff)) (i64.const 0x9E3779B185EBCA87)))
            (i64.const 23))
          (i64.const 0xC2B2AE3D27D4EB4F))
        (i64.const 0x165667B19E3779F9)))
      (local.set $word (i64.shr_u (local.get $word) (i64.const 32)))))
  (local.set $n (i32.and (local.get $n) (i32.const 3)))
  (block $done
    (loop $bytes
      (br_if $done (i32.eqz (local.get $n)))
      (local.set $hash (i64.mul
        (i64.rotl
          (i64.xor (local.get $hash) (i64.mul (i64.and (local.get $word) (i64.const 255)) (i64.const 0x27D4EB2F165667C5)))
          (i64.const 11))
        (i64.const 0x9E3779B185EBCA87)))
      (local.set $word (i64.shr_u (local.get $word) (i64.const 8)))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br $bytes)))
  (local.set $hash (i64.mul (i64.xor (local.get $hash) (i64.shr_u (local.get $hash) (i64.const 33))) (i64.const 0xC2B2AE3D27D4EB4F)))
  (local.set $hash (i64.mul (i64.xor (local.get $hash) (i64.shr_u (local.get $hash) (i64.const 29))) (i64.const 0x165667B19E3779F9)))
  (local.set $hash (i64.xor (local.get $hash) (i64.shr_u (local.get $hash) (i64.const 32))))
  (i64.store (i32.const 32768) (local.get $hash))
  (i32.wrap_i64 (i64.shr_u (local.get $hash) (i64.const 32))))
