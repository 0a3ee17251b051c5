package main

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"sync"

	"github.com/hashicorp/raft"
)

// machine counts the commands applied and keeps the CRC-32 (IEEE) of all their bytes in order, so that machines that applied
// the same commands in the same order, and almost no others, are equal. It carries ballast to give snapshots a size.
type machine struct {
	mu      sync.Mutex
	applied uint64
	hash    uint32
	ballast []byte
}

func newMachine(ballastBytes int) *machine {
	m := &machine{ballast: make([]byte, ballastBytes)}
	for i := range m.ballast {
		m.ballast[i] = byte(i * 31)
	}
	return m
}

func (m *machine) state() (applied uint64, hash uint32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.applied, m.hash
}

func (m *machine) take(l *raft.Log) {
	if l.Type == raft.LogCommand {
		m.applied++
		m.hash = crc32.Update(m.hash, crc32.IEEETable, l.Data)
	}
}

// Apply implements raft.FSM.
func (m *machine) Apply(l *raft.Log) any {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.take(l)
	return nil
}

// ApplyBatch implements raft.BatchingFSM.
func (m *machine) ApplyBatch(logs []*raft.Log) []any {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, l := range logs {
		m.take(l)
	}
	return make([]any, len(logs))
}

const headerBytes = 16

// Snapshot implements raft.FSM.
func (m *machine) Snapshot() (raft.FSMSnapshot, error) {
	applied, hash := m.state()
	s := &snapshot{ballast: m.ballast}
	binary.LittleEndian.PutUint64(s.header[:], applied)
	binary.LittleEndian.PutUint32(s.header[8:], hash)
	return s, nil
}

// Restore implements raft.FSM.
func (m *machine) Restore(from io.ReadCloser) error {
	defer from.Close()
	all, err := io.ReadAll(from)
	if err != nil {
		return err
	}
	if len(all) < headerBytes {
		return fmt.Errorf("a snapshot of %d bytes", len(all))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.applied = binary.LittleEndian.Uint64(all)
	m.hash = binary.LittleEndian.Uint32(all[8:])
	m.ballast = all[headerBytes:]
	return nil
}

type snapshot struct {
	header  [headerBytes]byte
	ballast []byte
}

func (s *snapshot) Persist(sink raft.SnapshotSink) error {
	for _, part := range [][]byte{s.header[:], s.ballast} {
		if _, err := sink.Write(part); err != nil {
			sink.Cancel()
			return err
		}
	}
	return sink.Close()
}

func (s *snapshot) Release() {}
