package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
)

type nodeOptions struct {
	name, addr, members, dir, store string
	maxAppendEntries                int
	timeout                         time.Duration
	trailing                        uint64
	stateBytes                      int
	logs                            io.Writer
}

type node struct {
	raft    *raft.Raft
	machine *machine
	name    string
	// Of this process's own commands.
	acknowledged, failed, unknown atomic.Uint64
	runs                          atomic.Uint32
}

type logStable interface {
	raft.LogStore
	raft.StableStore
}

func newNode(o nodeOptions) (*node, error) {
	c := raft.DefaultConfig()
	c.LocalID = raft.ServerID(o.name)
	c.Logger = hclog.New(&hclog.LoggerOptions{Name: o.name, Output: o.logs, Level: hclog.Info})
	c.BatchApplyCh = true
	c.MaxAppendEntries = o.maxAppendEntries
	c.HeartbeatTimeout = o.timeout
	c.ElectionTimeout = o.timeout
	c.LeaderLeaseTimeout = o.timeout / 2
	// Snapshots are taken when the driver says so.
	c.SnapshotThreshold = 1 << 62
	c.TrailingLogs = o.trailing

	store, snapshots, err := openStores(o)
	if err != nil {
		return nil, err
	}
	var logs raft.LogStore = store
	if o.store != "memory" {
		if logs, err = raft.NewLogCache(max(512, 2*o.maxAppendEntries), store); err != nil {
			return nil, err
		}
	}
	transport, err := raft.NewTCPTransport(o.addr, nil, 3, 10*time.Second, o.logs)
	if err != nil {
		return nil, err
	}
	existing, err := raft.HasExistingState(logs, store, snapshots)
	if err != nil {
		return nil, err
	}
	if !existing {
		members, err := parseMembers(o.members)
		if err != nil {
			return nil, err
		}
		if err := raft.BootstrapCluster(c, logs, store, snapshots, transport, members); err != nil {
			return nil, err
		}
	}
	n := &node{machine: newMachine(o.stateBytes), name: o.name}
	n.raft, err = raft.NewRaft(c, n.machine, logs, store, snapshots, transport)
	return n, err
}

func openStores(o nodeOptions) (logStable, raft.SnapshotStore, error) {
	if o.store == "memory" {
		return raft.NewInmemStore(), raft.NewInmemSnapshotStore(), nil
	}
	if o.store != "fsync" && o.store != "nosync" {
		return nil, nil, fmt.Errorf("store %q is neither memory, fsync nor nosync", o.store)
	}
	if err := os.MkdirAll(o.dir, 0o755); err != nil {
		return nil, nil, err
	}
	store, err := raftboltdb.New(raftboltdb.Options{Path: filepath.Join(o.dir, "raft.db"), NoSync: o.store == "nosync"})
	if err != nil {
		return nil, nil, err
	}
	snapshots, err := raft.NewFileSnapshotStore(o.dir, 2, o.logs)
	return store, snapshots, err
}

func parseMembers(list string) (raft.Configuration, error) {
	var c raft.Configuration
	for _, member := range strings.Split(list, ",") {
		name, addr, ok := strings.Cut(member, "=")
		if !ok {
			return c, fmt.Errorf("member %q is not NAME=ADDR", member)
		}
		c.Servers = append(c.Servers, raft.Server{ID: raft.ServerID(name), Address: raft.ServerAddress(addr)})
	}
	return c, nil
}
