package main

import (
	"encoding/hex"
	"math"
	"net"
	"testing"

	"github.com/hashicorp/memberlist"
)

// Vectors V-30 to V-36 of the wire specification.
func TestStateVectors(t *testing.T) {
	for want, m := range map[string]stateMessage{
		"12010183a84e6577537461746501a84e6f64654e616d65a161a454696d6501":                 {participant, "a", 1},
		"12010183a84e6577537461746500a84e6f64654e616d65a161a454696d6500":                 {viewer, "a", 0},
		"12010183a84e6577537461746502a84e6f64654e616d65a66e6f64652d31a454696d65cd012c":   {terminating, "node-1", 300},
		"12010183a84e6577537461746501a84e6f64654e616d65a161a454696d65cf000000012a05f200": {participant, "a", 5000000000},
		"12010183a84e6577537461746501a84e6f64654e616d65a161a454696d65cfffffffffffffffff": {participant, "a", math.MaxUint64},
	} {
		if got := hex.EncodeToString(encodeState(m)); got != want {
			t.Errorf("%v: %s, want %s", m, got, want)
		}
		in, _ := hex.DecodeString(want)
		if got, err := decodeState(in); err != nil || got != m {
			t.Errorf("%s: %v, %v", want, got, err)
		}
	}
	for want, s := range map[string]localState{
		"82ab43757272656e7454696d6503aa4e6f64655374617465739283a84e6577537461746501a84e6f64654e616d65a161a454696d650283a84e6577537461746500a84e6f64654e616d65a162a454696d6500": {3, []stateMessage{{participant, "a", 2}, {viewer, "b", 0}}},
		"82ab43757272656e7454696d6500aa4e6f646553746174657390": {0, []stateMessage{}},
	} {
		if got := hex.EncodeToString(encode(s)); got != want {
			t.Errorf("%v: %s, want %s", s, got, want)
		}
	}
}

func TestDecodeStateRefuses(t *testing.T) {
	for _, in := range []string{"", "1201", "ddff0183", "12010083", "12019683"} {
		b, _ := hex.DecodeString(in)
		if m, err := decodeState(b); err == nil {
			t.Errorf("%q: decoded as %v", in, m)
		}
	}
}

func TestLamportClock(t *testing.T) {
	for heard, want := range map[uint64]lamportClock{4: 5, 5: 6, 9: 10, math.MaxUint64: 0} {
		c := lamportClock(5)
		if c.observe(heard); c != want {
			t.Errorf("5 observing %d: %d, want %d", heard, c, want)
		}
	}
}

func member(name string) *memberlist.Node {
	return &memberlist.Node{Name: name, Addr: net.IPv4(127, 0, 0, 1), Port: 7001}
}

func queued(t *testing.T, table *stateTable) []stateMessage {
	t.Helper()
	var list []stateMessage
	for _, b := range table.outgoing.GetBroadcasts(0, 1<<20) {
		m, err := decodeState(b)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, m)
	}
	table.outgoing.Reset()
	return list
}

func TestDecisionAboutOthers(t *testing.T) {
	table := newStateTable("a")
	table.NotifyJoin(member("a"))
	table.NotifyJoin(member("b"))
	tell := func(m stateMessage) int {
		table.NotifyMsg(encodeState(m))
		return len(queued(t, table))
	}
	if tell(stateMessage{participant, "b", 5}) != 1 || table.peers()[1].State != "participant" {
		t.Error("news was not taken")
	}
	if tell(stateMessage{terminating, "b", 5}) != 0 || tell(stateMessage{terminating, "b", 4}) != 0 || table.peers()[1].State != "participant" {
		t.Error("old news was taken")
	}
	if tell(stateMessage{participant, "c", 9}) != 1 || len(table.peers()) != 2 {
		t.Error("news of a stranger must be gossiped on without making it a peer")
	}
	table.NotifyLeave(member("b"))
	table.NotifyJoin(member("b"))
	if table.peers()[1].State != "viewer" {
		t.Error("who comes back is a viewer")
	}
}

func TestRefutation(t *testing.T) {
	table := newStateTable("a")
	table.NotifyJoin(member("a"))
	table.NotifyMsg(encodeState(stateMessage{participant, "a", 100}))
	if got := queued(t, table); len(got) != 1 || got[0] != (stateMessage{viewer, "a", 102}) {
		t.Errorf("told @100: %v", got)
	}
	table.NotifyMsg(encodeState(stateMessage{viewer, "a", 102}))
	if got := queued(t, table); len(got) != 0 {
		t.Errorf("tie with the same state: %v", got)
	}
	table.NotifyMsg(encodeState(stateMessage{participant, "a", 102}))
	if got := queued(t, table); len(got) != 1 || got[0] != (stateMessage{viewer, "a", 104}) {
		t.Errorf("tie with another state: %v", got)
	}
}

func TestChange(t *testing.T) {
	table := newStateTable("a")
	table.NotifyJoin(member("a"))
	if _, err := table.change(terminating); err == nil {
		t.Error("viewer to terminating")
	}
	told, err := table.change(participant)
	if err != nil {
		t.Fatal(err)
	}
	<-told // alone: at once
	if _, err := table.change(participant); err == nil {
		t.Error("participant to participant")
	}
	table.NotifyJoin(member("b"))
	told, err = table.change(terminating)
	if err != nil {
		t.Fatal(err)
	}
	for range 4 * 1 { // multiplier 4, one more for every power of ten of the size
		table.GetBroadcasts(2, 1400)
	}
	<-told
}
