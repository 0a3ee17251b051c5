package main

import (
	"io"
	"net"
	"sync"
	"time"
)

// streamConn is a byte stream over the two bodies of one HTTP/2 request. Every Write is one frame; reads join
// payloads. A goroutine takes frames off the body and hands them over an in-memory pipe, which brings read
// deadlines; writes have none.
type streamConn struct {
	local, remote net.Addr

	read net.Conn // the near end of the pipe

	write  sync.Mutex
	body   io.Writer
	flush  func() error
	hangUp func() // ends the request; called once

	closing sync.Once
	closed  chan struct{}

	mu      sync.Mutex
	failure error // why the incoming frames stopped, when it was not a clean end
}

func newStreamConn(local, remote net.Addr, in io.Reader, out io.Writer, flush func() error, hangUp func()) *streamConn {
	near, far := net.Pipe()
	c := &streamConn{local: local, remote: remote, read: near, body: out, flush: flush, hangUp: hangUp, closed: make(chan struct{})}
	go c.pump(in, far)
	return c
}

func (c *streamConn) pump(in io.Reader, to net.Conn) {
	defer to.Close()
	for {
		payload, err := readFrame(in)
		if err != nil {
			if err != io.EOF {
				c.mu.Lock()
				c.failure = err
				c.mu.Unlock()
			}
			return
		}
		if len(payload) == 0 {
			continue
		}
		if _, err := to.Write(payload); err != nil {
			return
		}
	}
}

func (c *streamConn) Read(p []byte) (int, error) {
	n, err := c.read.Read(p)
	if err == io.EOF {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.failure != nil {
			return n, c.failure
		}
	}
	return n, err
}

func (c *streamConn) Write(p []byte) (int, error) {
	select {
	case <-c.closed:
		return 0, net.ErrClosed
	default:
	}
	frame, err := appendFrame(make([]byte, 0, len(p)+5), p)
	if err != nil {
		return 0, err
	}
	c.write.Lock()
	defer c.write.Unlock()
	if _, err := c.body.Write(frame); err != nil {
		return 0, err
	}
	if c.flush != nil {
		if err := c.flush(); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

func (c *streamConn) Close() error {
	c.closing.Do(func() {
		close(c.closed)
		c.read.Close()
		c.hangUp()
	})
	return nil
}

func (c *streamConn) LocalAddr() net.Addr                { return c.local }
func (c *streamConn) RemoteAddr() net.Addr               { return c.remote }
func (c *streamConn) SetDeadline(t time.Time) error      { return c.read.SetReadDeadline(t) }
func (c *streamConn) SetReadDeadline(t time.Time) error  { return c.read.SetReadDeadline(t) }
func (c *streamConn) SetWriteDeadline(_ time.Time) error { return nil }
