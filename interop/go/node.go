package main

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"reflect"
	"strconv"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

const leaveTimeout = 5 * time.Second

type nodeOptions struct {
	name, label string
	listener    net.Listener
	server      *tls.Config // nil: cleartext
	client      *tls.Config
	logOutput   io.Writer
	onPeers     func([]peerEntry)
}

// node is one member: a memberlist, its transport, its HTTP server and its table of states.
type node struct {
	members   *memberlist.Memberlist
	transport *httpTransport
	states    *stateTable
	server    *http.Server

	changing sync.Mutex
	stopped  chan struct{}
}

func newNode(o nodeOptions) (*node, error) {
	host, portText, err := net.SplitHostPort(o.listener.Addr().String())
	if err != nil {
		return nil, err
	}
	port, err := strconv.Atoi(portText)
	if err != nil {
		return nil, err
	}
	n := &node{transport: newHTTPTransport(o.client), states: newStateTable(o.name), stopped: make(chan struct{})}
	n.server = &http.Server{Handler: n.transport.handler(), ErrorLog: log.New(o.logOutput, "", log.LstdFlags), Protocols: new(http.Protocols)}
	n.server.Protocols.SetHTTP1(true) // only to be told that it is not supported
	n.server.Protocols.SetHTTP2(o.server != nil)
	n.server.Protocols.SetUnencryptedHTTP2(o.server == nil)
	n.server.TLSConfig = o.server
	go func() {
		if o.server != nil {
			n.server.ServeTLS(o.listener, "", "")
		} else {
			n.server.Serve(o.listener)
		}
	}()

	config := memberlist.DefaultLANConfig()
	config.Name = o.name
	config.Label = o.label
	config.AdvertiseAddr, config.AdvertisePort = host, port
	config.Transport = n.transport
	config.Delegate, config.Events = n.states, n.states
	config.TCPTimeout = 2 * time.Second
	config.ProbeTimeout = 2 * time.Second
	config.ProbeInterval = 5 * time.Second
	config.DisableTcpPings = true
	config.UDPBufferSize = 10 << 20
	config.LogOutput = o.logOutput
	if n.members, err = memberlist.Create(config); err != nil {
		n.server.Close()
		return nil, err
	}
	go n.report(o.onPeers)
	return n, nil
}

// report tells of the latest peer list: none twice, and not of those that passed meanwhile.
func (n *node) report(onPeers func([]peerEntry)) {
	var last []peerEntry
	for {
		select {
		case <-n.stopped:
			return
		case <-n.states.changed:
		}
		if now := n.states.peers(); !reflect.DeepEqual(now, last) {
			onPeers(now)
			last = now
		}
	}
}

func (n *node) start(peers []string) error {
	joined, err := n.members.Join(peers)
	if len(peers) > 0 && joined == 0 {
		return errors.Join(errors.New("cannot join through any address"), err)
	}
	return nil
}

func (n *node) changeState(ctx context.Context, to peerState) error {
	n.changing.Lock()
	defer n.changing.Unlock()
	told, err := n.states.change(to)
	if err != nil {
		return err
	}
	select {
	case <-told:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (n *node) stop() error {
	close(n.stopped)
	left := n.members.Leave(leaveTimeout)
	return errors.Join(left, n.members.Shutdown(), n.server.Close())
}
