package main

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"testing"
)

func TestAppendFrameHeader(t *testing.T) {
	for size, want := range map[int]string{0: "cc0000", 1: "cc0001", 65535: "ccffff", 65536: "cd00010000"} {
		got, err := appendFrame(nil, make([]byte, size))
		if err != nil {
			t.Fatal(err)
		}
		if h := hex.EncodeToString(got[:len(got)-size]); h != want {
			t.Errorf("%d bytes: header %s, want %s", size, h, want)
		}
		back, err := readFrame(bytes.NewReader(got))
		if err != nil || len(back) != size {
			t.Errorf("%d bytes: read back %d, %v", size, len(back), err)
		}
	}
	if _, err := appendFrame(nil, make([]byte, maxFrameBytes+1)); !errors.Is(err, errFrame) {
		t.Errorf("too large: %v", err)
	}
}

func TestReadFrame(t *testing.T) {
	cases := []struct {
		in, want string
		err      error
	}{
		{in: "", err: io.EOF},
		{in: "cd00000001ff", want: "ff"},
		{in: "cd00000000", want: ""},
		{in: "cc", err: errFrame},
		{in: "cc00", err: errFrame},
		{in: "cc0005", err: errFrame},
		{in: "cc00050102", err: errFrame},
		{in: "cd000000", err: errFrame},
		{in: "aa0000", err: errFrame},
		{in: "cdffffffff", err: errFrame},
	}
	for _, c := range cases {
		in, _ := hex.DecodeString(c.in)
		got, err := readFrame(bytes.NewReader(in))
		if !errors.Is(err, c.err) || hex.EncodeToString(got) != c.want {
			t.Errorf("%s: %x, %v", c.in, got, err)
		}
	}
}
