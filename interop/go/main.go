// Command peer is a cluster node built on hashicorp/memberlist that is told what to do on standard input, one
// JSON object a line, and answers on standard output.
package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"slices"
	"sync"
	"time"
)

type request struct {
	ID    json.RawMessage `json:"id"`
	Do    string          `json:"do"`
	Peers []string        `json:"peers"`
	State string          `json:"state"`
}

// lines writes one JSON object a line.
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
	var addr, cert, key, ca string
	var verbose bool
	flag.StringVar(&o.name, "name", "", "unique name of the node")
	flag.StringVar(&addr, "addr", "", "IP:PORT to listen on and to be reached at")
	flag.StringVar(&o.label, "label", "", "name of the cluster")
	flag.StringVar(&cert, "tls-cert", "", "PEM file with the node's certificate")
	flag.StringVar(&key, "tls-key", "", "PEM file with its private key")
	flag.StringVar(&ca, "tls-ca", "", "PEM file with the authority that peers must be signed by")
	flag.BoolVar(&verbose, "verbose", false, "log to standard error")
	flag.Parse()

	o.logOutput = io.Discard
	if verbose {
		o.logOutput = os.Stderr
	}
	if cert != "" {
		var err error
		if o.server, o.client, err = mutualTLS(cert, key, ca); err != nil {
			log.Fatal(err)
		}
	}
	var err error
	if o.listener, err = net.Listen("tcp", addr); err != nil {
		log.Fatal(err)
	}
	out := &lines{to: os.Stdout}
	o.onPeers = func(peers []peerEntry) {
		out.write(map[string]any{"event": "peers", "at": time.Now().UnixMilli(), "peers": peers})
	}
	n, err := newNode(o)
	if err != nil {
		log.Fatal(err)
	}
	serve(n, os.Stdin, out)
}

func mutualTLS(cert, key, ca string) (server, client *tls.Config, err error) {
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, nil, err
	}
	pem, err := os.ReadFile(ca)
	if err != nil {
		return nil, nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, nil, fmt.Errorf("%s holds no certificate", ca)
	}
	server = &tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: pool, ClientAuth: tls.VerifyClientCertIfGiven, NextProtos: []string{"h2"}}
	client = &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: pool}
	return server, client, nil
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
	case "start":
		err = n.start(r.Peers)
	case "state":
		err = changeState(n, r.State)
	case "peers":
		reply["peers"] = n.states.peers()
	case "stop":
		if err := n.stop(); err != nil {
			log.Print(err) // a leave that nobody heard in time is still a leave
		}
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

func changeState(n *node, to string) error {
	state := slices.Index(stateNames, to)
	if state < 0 {
		return fmt.Errorf("unsupported: state %q", to)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return n.changeState(ctx, peerState(state))
}
