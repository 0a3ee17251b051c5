package main

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

func serveTransport(t *testing.T) (*httpTransport, string) {
	t.Helper()
	transport := newHTTPTransport(nil)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: transport.handler(), Protocols: new(http.Protocols)}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	go server.Serve(listener)
	t.Cleanup(func() {
		transport.Shutdown()
		server.Close()
	})
	return transport, listener.Addr().String()
}

func TestPacket(t *testing.T) {
	a, _ := serveTransport(t)
	b, addr := serveTransport(t)
	for _, size := range []int{0, 1, 65536} {
		want := bytes.Repeat([]byte{7}, size)
		a.WriteTo(want, addr)
		if got := <-b.PacketCh(); !bytes.Equal(got.Buf, want) {
			t.Errorf("%d bytes arrived as %d", size, len(got.Buf))
		}
	}
}

func TestStream(t *testing.T) {
	a, _ := serveTransport(t)
	b, addr := serveTransport(t)
	go func() {
		conn := <-b.StreamCh()
		defer conn.Close()
		got := make([]byte, 6)
		io.ReadFull(conn, got)
		conn.Write(bytes.ToUpper(got))
	}()
	conn, err := a.DialTimeout(addr, 2*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.Write([]byte("abc"))
	conn.Write([]byte("def"))
	if got, err := io.ReadAll(conn); err != nil || string(got) != "ABCDEF" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestStreamReadDeadline(t *testing.T) {
	a, _ := serveTransport(t)
	_, addr := serveTransport(t)
	conn, err := a.DialTimeout(addr, 2*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetReadDeadline(time.Now().Add(time.Millisecond))
	if _, err := conn.Read(make([]byte, 1)); err == nil || !err.(net.Error).Timeout() {
		t.Errorf("read after the deadline: %v", err)
	}
}

func TestStatus(t *testing.T) {
	transport, addr := serveTransport(t)
	cases := []struct {
		path, kind, body string
		http1            bool
		want             int
	}{
		{messagePath, contentType, "", false, 200},
		{messagePath, contentType, "\xcc\x00\x01x\xcc\x00\x01y", false, 200},
		{messagePath, contentType, "\xcc\x00\x01x\xaa\x00\x00", false, 400},
		{messagePath, "text/plain", "", false, 400},
		{streamPath, "text/plain", "", false, 400},
		{messagePath, contentType, "", true, 505},
		{"/api/v1/ckit/transport/foo", contentType, "", false, 404},
	}
	post := func(path, kind, body string, http1 bool) int {
		req, _ := http.NewRequest("POST", "http://"+addr+path, strings.NewReader(body))
		req.Header.Set("Content-Type", kind)
		var via http.RoundTripper = transport.client
		if http1 {
			via = &http.Transport{DisableKeepAlives: true}
		}
		resp, err := via.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	for _, c := range cases {
		if got := post(c.path, c.kind, c.body, c.http1); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
	if n := len(transport.packets); n != 3 {
		t.Errorf("%d packets queued, want 3: frames before a malformed one count", n)
	}
	transport.Shutdown()
	if got := post(messagePath, contentType, "", false); got != 503 {
		t.Errorf("after shutdown: %d", got)
	}
}
