package main

import (
	"bytes"
	"hash/crc32"
	"io"
	"testing"

	"github.com/hashicorp/raft"
)

type sink struct{ bytes.Buffer }

func (*sink) ID() string    { return "" }
func (*sink) Cancel() error { return nil }
func (*sink) Close() error  { return nil }

func TestMachineHashesCommandsInOrder(t *testing.T) {
	one, other := newMachine(0), newMachine(0)
	a := &raft.Log{Type: raft.LogCommand, Data: []byte("a")}
	b := &raft.Log{Type: raft.LogCommand, Data: []byte("b")}
	one.Apply(a)
	one.ApplyBatch([]*raft.Log{b, {Type: raft.LogConfiguration, Data: []byte("c")}})
	other.ApplyBatch([]*raft.Log{b, a})
	applied, hash := one.state()
	if applied != 2 || hash != crc32.ChecksumIEEE([]byte("ab")) {
		t.Fatalf("applied %d, hash %08x", applied, hash)
	}
	if _, reversed := other.state(); reversed == hash {
		t.Fatal("the order does not matter")
	}
}

func TestMachineRestoresItsSnapshot(t *testing.T) {
	m := newMachine(1000)
	m.Apply(&raft.Log{Type: raft.LogCommand, Data: []byte("a")})
	s, err := m.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	var to sink
	if err := s.Persist(&to); err != nil {
		t.Fatal(err)
	}
	again := newMachine(0)
	if err := again.Restore(io.NopCloser(&to)); err != nil {
		t.Fatal(err)
	}
	if again.applied != 1 || again.hash != m.hash || !bytes.Equal(again.ballast, m.ballast) {
		t.Fatal("not the same")
	}
	if err := again.Restore(io.NopCloser(bytes.NewReader(nil))); err == nil {
		t.Fatal("an empty snapshot was taken")
	}
}
