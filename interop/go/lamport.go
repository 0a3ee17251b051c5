package main

// lamportClock orders state changes: a counter that moves past every time it hears of. Not safe for concurrent use.
type lamportClock uint64

// tick moves on by one and returns the new time.
func (c *lamportClock) tick() uint64 {
	*c++
	return uint64(*c)
}

// observe moves past t, unless t lies behind. Time wraps at 2^64.
func (c *lamportClock) observe(t uint64) {
	if t >= uint64(*c) {
		*c = lamportClock(t + 1)
	}
}
