// Command bench is one node of a cluster built on hashicorp/raft, with a load generator inside, that is told what to do on standard
// input, one JSON object a line, and answers on standard output: see ../raft/line_protocol.ts.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/raft"
)

type request struct {
	ID            json.RawMessage `json:"id"`
	Do            string          `json:"do"`
	Concurrency   int             `json:"concurrency"`
	Count         int             `json:"count"`
	Seconds       float64         `json:"seconds"`
	WarmupSeconds float64         `json:"warmupSeconds"`
	Bytes         int             `json:"bytes"`
	On            string          `json:"on"`
	Term          uint64          `json:"term"`
	Index         uint64          `json:"index"`
	TimeoutMs     float64         `json:"timeoutMs"`
}

type lines struct {
	mu sync.Mutex
	to io.Writer
}

func (l *lines) write(v any) {
	b, err := json.Marshal(v)
	if err != nil {
		log.Fatal(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, err := l.to.Write(append(b, '\n')); err != nil {
		os.Exit(1)
	}
}

func main() {
	var o nodeOptions
	var timeoutMs int
	var verbose bool
	flag.StringVar(&o.name, "name", "", "unique name of the node")
	flag.StringVar(&o.addr, "addr", "", "IP:PORT to listen on")
	flag.StringVar(&o.members, "members", "", "NAME=IP:PORT of all voters, this one too, separated by commas")
	flag.StringVar(&o.dir, "dir", "", "folder of this node's files")
	flag.StringVar(&o.store, "store", "memory", "memory, fsync or nosync")
	flag.IntVar(&o.maxAppendEntries, "max-append-entries", 64, "most entries a message")
	flag.IntVar(&timeoutMs, "timeout-ms", 1000, "heartbeat and election timeout")
	flag.Uint64Var(&o.trailing, "trailing-entries", 10240, "entries kept behind a snapshot")
	flag.IntVar(&o.stateBytes, "state-bytes", 0, "ballast of the state machine")
	flag.BoolVar(&verbose, "verbose", false, "log to standard error")
	flag.Parse()
	o.timeout = time.Duration(timeoutMs) * time.Millisecond
	o.logs = io.Discard
	if verbose {
		o.logs = os.Stderr
	}
	n, err := newNode(o)
	if err != nil {
		log.Fatal(err)
	}
	serve(n, os.Stdin, &lines{to: os.Stdout})
}

// serve answers requests until one says stop. Input that just ends is an order to crash.
func serve(n *node, in io.Reader, out *lines) {
	reader := bufio.NewReader(in)
	for {
		line, err := reader.ReadBytes('\n')
		if line = bytes.TrimSpace(line); len(line) > 0 {
			r := request{}
			bad := json.Unmarshal(line, &r)
			if r.ID == nil {
				r.ID = json.RawMessage("null")
			}
			if bad != nil {
				out.write(map[string]any{"id": r.ID, "error": "unsupported: " + bad.Error()})
			} else {
				go answer(n, r, out)
			}
		}
		if err != nil {
			os.Exit(2)
		}
	}
}

func answer(n *node, r request, out *lines) {
	reply := map[string]any{"id": r.ID, "ok": true}
	var err error
	switch r.Do {
	case "status":
		n.status(reply)
	case "applied":
		applied, hash := n.machine.state()
		reply["applied"], reply["hash"] = applied, fmt.Sprintf("%08x", hash)
		reply["acknowledged"], reply["failed"], reply["unknown"] = n.acknowledged.Load(), n.failed.Load(), n.unknown.Load()
	case "load", "read":
		err = n.measure(r, reply)
	case "barrier":
		err = n.raft.Barrier(0).Error()
	case "awaitApplied":
		err = n.awaitApplied(r, reply)
	case "takeover":
		err = n.takeover(r, reply)
	case "snapshot":
		err = n.raft.Snapshot().Error()
	case "stop":
		err = n.raft.Shutdown().Error()
		out.write(reply)
		os.Exit(0)
	default:
		err = errors.New("unsupported: " + r.Do)
	}
	if err != nil {
		reply = map[string]any{"id": r.ID, "error": err.Error()}
	}
	out.write(reply)
}

func (n *node) status(reply map[string]any) {
	_, leader := n.raft.LeaderWithID()
	reply["role"] = strings.ToLower(n.raft.State().String())
	reply["leader"] = string(leader)
	reply["term"] = n.raft.CurrentTerm()
	reply["lastIndex"] = n.raft.LastIndex()
	reply["commitIndex"] = n.raft.CommitIndex()
	reply["appliedIndex"] = n.raft.AppliedIndex()
	reply["cpuSeconds"] = cpuSeconds()
	reply["rssBytes"] = rssBytes()
	reply["version"] = version()
}

func (n *node) measure(r request, reply map[string]any) error {
	if r.Concurrency < 1 {
		return errors.New("'concurrency' must be at least 1")
	}
	run := n.load
	if r.Do == "read" {
		if r.On == "follower" {
			return errors.New("unsupported: hashicorp/raft reads on the leader only")
		}
		run = n.read
	}
	before := cpuSeconds()
	f, err := run(r)
	if err != nil {
		return err
	}
	reply["ops"], reply["seconds"] = f.Ops, f.Seconds
	reply["p50Ms"], reply["p99Ms"], reply["maxMs"] = f.P50Ms, f.P99Ms, f.MaxMs
	reply["cpuSeconds"] = cpuSeconds() - before
	reply["acknowledged"], reply["failed"], reply["unknown"] = n.acknowledged.Load(), n.failed.Load(), n.unknown.Load()
	return nil
}

func (n *node) awaitApplied(r request, reply map[string]any) error {
	deadline := time.Now().Add(time.Duration(r.TimeoutMs * float64(time.Millisecond)))
	for n.raft.AppliedIndex() < r.Index {
		if time.Now().After(deadline) {
			return fmt.Errorf("applied %d of %d in time", n.raft.AppliedIndex(), r.Index)
		}
		time.Sleep(time.Millisecond)
	}
	reply["atMs"] = nowMs()
	return nil
}

// takeover waits for the leader of a later term. If it is this node, it commits a command at once.
func (n *node) takeover(r request, reply map[string]any) error {
	deadline := time.Now().Add(time.Duration(r.TimeoutMs * float64(time.Millisecond)))
	for time.Now().Before(deadline) {
		if n.raft.CurrentTerm() > r.Term {
			if n.raft.State() == raft.Leader {
				reply["leaderAtMs"] = nowMs()
				if err := n.apply(command(n.runs.Add(1), 0, 0, r.Bytes)); err != nil {
					continue // It lost the lead again: see who has it next.
				}
				reply["atMs"], reply["won"], reply["term"] = nowMs(), true, n.raft.CurrentTerm()
				return nil
			}
			if _, leader := n.raft.LeaderWithID(); leader != "" && string(leader) != n.name && n.raft.State() == raft.Follower {
				reply["atMs"], reply["won"], reply["term"] = nowMs(), false, n.raft.CurrentTerm()
				return nil
			}
		}
		time.Sleep(200 * time.Microsecond)
	}
	return errors.New("nobody took over in time")
}

func nowMs() float64 { return float64(time.Now().UnixMicro()) / 1000 }

func cpuSeconds() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)/1e6
}

func rssBytes() int {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.Atoi(fields[1])
	if err != nil {
		return 0
	}
	return pages * os.Getpagesize()
}

func version() string {
	versions := []string{}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dep := range info.Deps {
			switch dep.Path {
			case "github.com/hashicorp/raft", "github.com/hashicorp/raft-boltdb/v2", "go.etcd.io/bbolt":
				versions = append(versions, strings.TrimPrefix(dep.Path, "github.com/")+" "+dep.Version)
			}
		}
	}
	return strings.Join(append(versions, runtime.Version()), ", ")
}
