package main

import (
	"encoding/binary"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
)

// figures are what a closed loop measured: of what ended after the warm-up, and before the time was over.
type figures struct {
	Ops     int     `json:"ops"`
	Seconds float64 `json:"seconds"`
	P50Ms   float64 `json:"p50Ms"`
	P99Ms   float64 `json:"p99Ms"`
	MaxMs   float64 `json:"maxMs"`
}

// closedLoop runs operations on so many goroutines, each one after the other. It ends when the time is over, or when
// `count` operations were begun if that is positive, and returns when all have ended.
func closedLoop(concurrency, count int, warmup, measured time.Duration, op func(worker int, sequence uint64) error) (figures, error) {
	var begun atomic.Int64
	var firstError error
	var once sync.Once
	latencies := make([][]time.Duration, concurrency)
	start := time.Now()
	from := start.Add(warmup)
	until := from.Add(measured)
	var workers sync.WaitGroup
	for worker := range concurrency {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for sequence := uint64(0); ; sequence++ {
				began := time.Now()
				if count > 0 && begun.Add(1) > int64(count) || count <= 0 && began.After(until) {
					return
				}
				if err := op(worker, sequence); err != nil {
					once.Do(func() { firstError = err })
					return
				}
				ended := time.Now()
				if count > 0 || ended.After(from) && !ended.After(until) {
					latencies[worker] = append(latencies[worker], ended.Sub(began))
				}
			}
		}()
	}
	workers.Wait()
	elapsed := measured
	if count > 0 {
		elapsed = time.Since(start)
	}
	all := slices.Concat(latencies...)
	slices.Sort(all)
	f := figures{Ops: len(all), Seconds: elapsed.Seconds()}
	if len(all) > 0 {
		ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
		f.P50Ms, f.P99Ms, f.MaxMs = ms(all[len(all)/2]), ms(all[len(all)*99/100]), ms(all[len(all)-1])
	}
	return f, firstError
}

// apply commits one command and notes how it went.
func (n *node) apply(command []byte) error {
	err := n.raft.Apply(command, 0).Error()
	switch {
	case err == nil:
		n.acknowledged.Add(1)
	case errors.Is(err, raft.ErrNotLeader), errors.Is(err, raft.ErrEnqueueTimeout), errors.Is(err, raft.ErrLeadershipTransferInProgress):
		n.failed.Add(1)
	default:
		n.unknown.Add(1)
	}
	return err
}

// command makes commands that differ: in the run, the worker and the sequence number.
func command(run uint32, worker int, sequence uint64, size int) []byte {
	b := make([]byte, max(size, 16))
	binary.LittleEndian.PutUint32(b, run)
	binary.LittleEndian.PutUint32(b[4:], uint32(worker))
	binary.LittleEndian.PutUint64(b[8:], sequence)
	return b
}

func (n *node) load(r request) (figures, error) {
	run := n.runs.Add(1)
	return closedLoop(r.Concurrency, r.Count, seconds(r.WarmupSeconds), seconds(r.Seconds), func(worker int, sequence uint64) error {
		return n.apply(command(run, worker, sequence, r.Bytes))
	})
}

// read asks the others whether this is still the leader, and reads when what was committed before is applied. This is sound
// once an entry of the leader's own term is committed, which the barrier sees to.
func (n *node) read(r request) (figures, error) {
	if err := n.raft.Barrier(0).Error(); err != nil {
		return figures{}, err
	}
	var sum atomic.Uint64
	return closedLoop(r.Concurrency, 0, seconds(r.WarmupSeconds), seconds(r.Seconds), func(int, uint64) error {
		committed := n.raft.CommitIndex()
		if err := n.raft.VerifyLeader().Error(); err != nil {
			return err
		}
		for n.raft.AppliedIndex() < committed {
			time.Sleep(50 * time.Microsecond)
		}
		applied, _ := n.machine.state()
		sum.Add(applied)
		return nil
	})
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
