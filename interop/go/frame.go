package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

const (
	smallFrame = 0xCC // followed by a 16-bit length
	largeFrame = 0xCD // followed by a 32-bit length

	maxFrameBytes = 64 << 20
)

var errFrame = errors.New("malformed frame")

// appendFrame appends one frame that holds payload, in the shortest form that can.
func appendFrame(to, payload []byte) ([]byte, error) {
	switch n := len(payload); {
	case n <= math.MaxUint16:
		to = append(to, smallFrame)
		to = binary.BigEndian.AppendUint16(to, uint16(n))
	case n <= maxFrameBytes:
		to = append(to, largeFrame)
		to = binary.BigEndian.AppendUint32(to, uint32(n))
	default:
		return to, fmt.Errorf("%w: %d bytes of payload, at most %d are allowed", errFrame, n, maxFrameBytes)
	}
	return append(to, payload...), nil
}

// readFrame returns the payload of the next frame. It is io.EOF when the input ends before a frame begins;
// an input that ends inside a frame is malformed.
func readFrame(r io.Reader) ([]byte, error) {
	var header [5]byte
	if _, err := io.ReadFull(r, header[:3]); err != nil {
		return nil, cutShort(err, true)
	}
	var size uint32
	switch header[0] {
	case smallFrame:
		size = uint32(binary.BigEndian.Uint16(header[1:3]))
	case largeFrame:
		if _, err := io.ReadFull(r, header[3:]); err != nil {
			return nil, cutShort(err, false)
		}
		size = binary.BigEndian.Uint32(header[1:])
	default:
		return nil, fmt.Errorf("%w: first byte is %#x", errFrame, header[0])
	}
	if size > maxFrameBytes {
		return nil, fmt.Errorf("%w: %d bytes announced, at most %d are allowed", errFrame, size, maxFrameBytes)
	}
	payload := make([]byte, size)
	if _, err := io.ReadFull(r, payload); err != nil {
		return nil, cutShort(err, false)
	}
	return payload, nil
}

func cutShort(err error, atStart bool) error {
	if errors.Is(err, io.EOF) && atStart {
		return io.EOF
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: input ends inside a frame", errFrame)
	}
	return err
}
