package main

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/go-msgpack/v2/codec"
	"github.com/hashicorp/memberlist"
)

type peerState uint

const (
	viewer peerState = iota
	participant
	terminating
)

var stateNames = []string{"viewer", "participant", "terminating"}

func (s peerState) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return fmt.Sprintf("state %d", uint(s))
}

// stateMessage and localState go over the wire: the order of their fields is the order of the keys.
type stateMessage struct {
	NewState peerState
	NodeName string
	Time     uint64
}

type localState struct {
	CurrentTime uint64
	NodeStates  []stateMessage
}

var stateMagic = []byte{0x12, 0x01, 0x01} // two bytes of magic, one of type: State

func encode(v any) []byte {
	var b []byte
	if err := codec.NewEncoderBytes(&b, &codec.MsgpackHandle{}).Encode(v); err != nil {
		panic(err) // only for types that msgpack does not know
	}
	return b
}

func decode(b []byte, v any) error {
	return codec.NewDecoderBytes(b, &codec.MsgpackHandle{}).Decode(v)
}

func encodeState(m stateMessage) []byte { return append(bytes.Clone(stateMagic), encode(m)...) }

func decodeState(b []byte) (m stateMessage, err error) {
	if !bytes.HasPrefix(b, stateMagic) {
		return m, errors.New("not a state message")
	}
	return m, decode(b[len(stateMagic):], &m)
}

// peerEntry is a line of the peer list.
type peerEntry struct {
	Name  string `json:"name"`
	Addr  string `json:"addr"`
	Self  bool   `json:"self"`
	State string `json:"state"`
}

// stateTable holds what every peer declared, and gossips it. It is the delegate of one memberlist.
type stateTable struct {
	self     string
	changed  chan struct{} // holds one token after every change
	outgoing memberlist.TransmitLimitedQueue

	mu     sync.Mutex
	clock  lamportClock
	own    peerState
	addrs  map[string]string // the peers: alive and suspected members
	states map[string]stateMessage
}

var (
	_ memberlist.Delegate      = (*stateTable)(nil)
	_ memberlist.EventDelegate = (*stateTable)(nil)
)

func newStateTable(self string) *stateTable {
	t := &stateTable{self: self, changed: make(chan struct{}, 1), addrs: map[string]string{}, states: map[string]stateMessage{}}
	t.outgoing.RetransmitMult = 4
	t.outgoing.NumNodes = t.size
	return t
}

func (t *stateTable) size() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.addrs)
}

func (t *stateTable) notify() {
	select {
	case t.changed <- struct{}{}:
	default:
	}
}

func (t *stateTable) peers() []peerEntry {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := make([]peerEntry, 0, len(t.addrs))
	for name, addr := range t.addrs {
		state := t.states[name].NewState
		if name == t.self {
			state = t.own
		}
		list = append(list, peerEntry{Name: name, Addr: addr, Self: name == t.self, State: state.String()})
	}
	slices.SortFunc(list, func(a, b peerEntry) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// receive decides about one state message and returns what has to be gossiped on. The lock is held.
func (t *stateTable) receive(m stateMessage) (stateMessage, bool) {
	known, ok := t.states[m.NodeName]
	mine := m.NodeName == t.self
	if ok && (m.Time < known.Time || m.Time == known.Time && !(mine && m.NewState != known.NewState)) {
		return m, false
	}
	if mine {
		m = stateMessage{NewState: t.own, NodeName: t.self, Time: t.clock.tick()}
	}
	t.states[m.NodeName] = m
	return m, true
}

// change declares another state. The channel is closed once the others were told as often as gossip tells anything.
func (t *stateTable) change(to peerState) (<-chan struct{}, error) {
	t.mu.Lock()
	if to != t.own+1 || to > terminating {
		defer t.mu.Unlock()
		return nil, fmt.Errorf("cannot change from %v to %v", t.own, to)
	}
	t.own = to
	m := stateMessage{NewState: to, NodeName: t.self, Time: t.clock.tick()}
	t.states[t.self] = m
	alone := len(t.addrs) <= 1
	t.mu.Unlock()
	t.notify()
	told := t.gossip(m)
	if alone {
		now := make(chan struct{})
		close(now)
		return now, nil
	}
	return told, nil
}

func (t *stateTable) gossip(m stateMessage) <-chan struct{} {
	b := &stateBroadcast{name: m.NodeName, bytes: encodeState(m), finished: make(chan struct{})}
	t.outgoing.QueueBroadcast(b)
	return b.finished
}

// NodeMeta implements memberlist.Delegate.
func (t *stateTable) NodeMeta(int) []byte { return nil }

// NotifyMsg implements memberlist.Delegate.
func (t *stateTable) NotifyMsg(b []byte) {
	m, err := decodeState(b)
	if err != nil {
		return
	}
	t.mu.Lock()
	t.clock.observe(m.Time)
	m, onward := t.receive(m)
	t.mu.Unlock()
	if onward {
		t.notify()
		t.gossip(m)
	}
}

// GetBroadcasts implements memberlist.Delegate.
func (t *stateTable) GetBroadcasts(overhead, limit int) [][]byte {
	return t.outgoing.GetBroadcasts(overhead, limit)
}

// LocalState implements memberlist.Delegate.
func (t *stateTable) LocalState(bool) []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := localState{CurrentTime: uint64(t.clock), NodeStates: make([]stateMessage, 0, len(t.addrs))}
	for name := range t.addrs {
		m, ok := t.states[name]
		if !ok {
			m = stateMessage{NodeName: name}
		}
		s.NodeStates = append(s.NodeStates, m)
	}
	return encode(s)
}

// MergeRemoteState implements memberlist.Delegate.
func (t *stateTable) MergeRemoteState(b []byte, _ bool) {
	var s localState
	if decode(b, &s) != nil {
		return
	}
	var onward []stateMessage
	t.mu.Lock()
	t.clock.observe(s.CurrentTime)
	for _, m := range s.NodeStates {
		if _, ok := t.addrs[m.NodeName]; !ok {
			continue
		}
		if m, ok := t.receive(m); ok {
			onward = append(onward, m)
		}
	}
	t.mu.Unlock()
	if len(onward) > 0 {
		t.notify()
	}
	for _, m := range onward {
		t.gossip(m)
	}
}

// NotifyJoin implements memberlist.EventDelegate.
func (t *stateTable) NotifyJoin(n *memberlist.Node) {
	t.mu.Lock()
	t.addrs[n.Name] = n.Address()
	t.mu.Unlock()
	t.notify()
}

// NotifyUpdate implements memberlist.EventDelegate.
func (t *stateTable) NotifyUpdate(n *memberlist.Node) { t.NotifyJoin(n) }

// NotifyLeave implements memberlist.EventDelegate: who comes back is a viewer until it says otherwise.
func (t *stateTable) NotifyLeave(n *memberlist.Node) {
	t.mu.Lock()
	delete(t.addrs, n.Name)
	delete(t.states, n.Name)
	t.mu.Unlock()
	t.notify()
}

// stateBroadcast is replaced in the queue by a later one of the same node, and is finished then too.
type stateBroadcast struct {
	name     string
	bytes    []byte
	once     sync.Once
	finished chan struct{}
}

var _ memberlist.NamedBroadcast = (*stateBroadcast)(nil)

func (b *stateBroadcast) Name() string    { return b.name }
func (b *stateBroadcast) Message() []byte { return b.bytes }
func (b *stateBroadcast) Finished()       { b.once.Do(func() { close(b.finished) }) }

func (b *stateBroadcast) Invalidates(other memberlist.Broadcast) bool {
	named, ok := other.(memberlist.NamedBroadcast)
	return ok && named.Name() == b.name
}
