package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
	"golang.org/x/net/http2"
)

const (
	messagePath = "/api/v1/ckit/transport/message"
	streamPath  = "/api/v1/ckit/transport/stream"
	contentType = "application/x.ckit"

	queuedPackets = 1000
	packetTimeout = 5 * time.Second
)

type outgoing struct {
	to    string
	bytes []byte
}

// httpTransport is a memberlist.Transport: a packet is a POST of one frame, a stream a POST whose two bodies stay open.
type httpTransport struct {
	scheme string
	client *http2.Transport

	out     chan outgoing
	packets chan *memberlist.Packet
	streams chan net.Conn

	ctx  context.Context
	stop context.CancelFunc
	done sync.WaitGroup
}

var _ memberlist.Transport = (*httpTransport)(nil)

// newHTTPTransport speaks cleartext HTTP/2 with prior knowledge when config is nil.
func newHTTPTransport(config *tls.Config) *httpTransport {
	t := &httpTransport{
		scheme:  "https",
		client:  &http2.Transport{TLSClientConfig: config, DisableCompression: true},
		out:     make(chan outgoing, queuedPackets),
		packets: make(chan *memberlist.Packet, queuedPackets),
		streams: make(chan net.Conn),
	}
	if config == nil {
		t.scheme = "http"
		t.client.AllowHTTP = true
		t.client.DialTLSContext = func(ctx context.Context, network, addr string, _ *tls.Config) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, addr)
		}
	}
	t.ctx, t.stop = context.WithCancel(context.Background())
	t.done.Add(1)
	go t.deliver()
	return t
}

func (t *httpTransport) FinalAdvertiseAddr(ip string, port int) (net.IP, int, error) {
	parsed := net.ParseIP(ip)
	if parsed == nil || port == 0 {
		return nil, 0, fmt.Errorf("cannot advertise an address without IP and port: current values are %q and %d", ip, port)
	}
	if v4 := parsed.To4(); v4 != nil {
		parsed = v4
	}
	return parsed, port, nil
}

// enqueue makes room by dropping the oldest.
func enqueue[T any](queue chan T, item T) {
	for {
		select {
		case queue <- item:
			return
		default:
		}
		select {
		case <-queue:
		default:
		}
	}
}

func (t *httpTransport) WriteTo(b []byte, addr string) (time.Time, error) {
	enqueue(t.out, outgoing{to: addr, bytes: bytes.Clone(b)})
	return time.Now(), nil
}

// deliver posts one packet at a time. A packet that cannot be delivered is lost: that is what packets are.
func (t *httpTransport) deliver() {
	defer t.done.Done()
	for {
		select {
		case <-t.ctx.Done():
			return
		case packet := <-t.out:
			t.post(packet)
		}
	}
}

func (t *httpTransport) post(packet outgoing) {
	frame, err := appendFrame(nil, packet.bytes)
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(t.ctx, packetTimeout)
	defer cancel()
	req, err := t.request(ctx, packet.to, messagePath, io.NopCloser(bytes.NewReader(frame)))
	if err != nil {
		return
	}
	if resp, err := t.client.RoundTrip(req); err == nil {
		resp.Body.Close()
	}
}

func (t *httpTransport) request(ctx context.Context, addr, path string, body io.ReadCloser) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.scheme+"://"+addr+path, body)
	if err != nil {
		return nil, err
	}
	req.ContentLength = -1
	req.Header.Set("Content-Type", contentType)
	return req, nil
}

// DialTimeout opens a stream that has timeout for its whole life, not only for its first answer.
func (t *httpTransport) DialTimeout(addr string, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(t.ctx, timeout)
	in, out := io.Pipe()
	req, err := t.request(ctx, addr, streamPath, in)
	if err != nil {
		cancel()
		return nil, err
	}
	resp, err := t.client.RoundTrip(req)
	if err != nil {
		cancel()
		return nil, err
	}
	return newStreamConn(textAddr("client"), textAddr(addr), resp.Body, out, nil, func() {
		cancel()
		in.Close()
		resp.Body.Close()
	}), nil
}

func (t *httpTransport) PacketCh() <-chan *memberlist.Packet { return t.packets }
func (t *httpTransport) StreamCh() <-chan net.Conn           { return t.streams }

// Shutdown drops what is queued; from now on peers are answered 503.
func (t *httpTransport) Shutdown() error {
	t.stop()
	t.done.Wait()
	return nil
}

func (t *httpTransport) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc(messagePath, t.acceptPackets)
	mux.HandleFunc(streamPath, t.acceptStream)
	return mux
}

// refused answers a request that cannot be served and says so.
func (t *httpTransport) refused(w http.ResponseWriter, r *http.Request) bool {
	switch {
	case t.ctx.Err() != nil:
		w.WriteHeader(http.StatusServiceUnavailable)
	case r.ProtoMajor != 2:
		w.WriteHeader(http.StatusHTTPVersionNotSupported)
	case r.Header.Get("Content-Type") != contentType:
		w.WriteHeader(http.StatusBadRequest)
	default:
		return false
	}
	return true
}

func (t *httpTransport) acceptPackets(w http.ResponseWriter, r *http.Request) {
	arrived := time.Now()
	if t.refused(w, r) {
		return
	}
	for {
		payload, err := readFrame(r.Body)
		if err == io.EOF {
			return
		}
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		enqueue(t.packets, &memberlist.Packet{Buf: payload, From: textAddr(r.RemoteAddr), Timestamp: arrived})
	}
}

func (t *httpTransport) acceptStream(w http.ResponseWriter, r *http.Request) {
	if t.refused(w, r) {
		return
	}
	// The dialler sends nothing before it has seen the answer's headers.
	w.WriteHeader(http.StatusOK)
	controller := http.NewResponseController(w)
	if controller.Flush() != nil {
		return
	}
	conn := newStreamConn(textAddr(r.Host), textAddr(r.RemoteAddr), r.Body, w, controller.Flush, func() {})
	defer conn.Close()
	select {
	case t.streams <- conn:
	case <-t.ctx.Done():
		return
	case <-r.Context().Done():
		return
	}
	select {
	case <-conn.closed:
	case <-r.Context().Done():
	}
	// A write under way may not outlive the handler.
	conn.write.Lock()
	defer conn.write.Unlock()
}

type textAddr string

func (a textAddr) Network() string { return "tcp" }
func (a textAddr) String() string  { return string(a) }
