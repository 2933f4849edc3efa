package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// What is sent is one block, over and over. Its length is a prime, so that octets that are missing,
// doubled or out of place are seen wherever they are: every octet received is compared.
const blockLength = 262147

var block = func() []byte {
	once := make([]byte, blockLength)
	rand.New(rand.NewSource(1)).Read(once)
	return append(once, once...) // any blockLength octets are in one piece
}()

// How much goes to the kernel at once in bulk.
const bulkBuffer = 256 << 10

// From this size on an answer is bulk; below it, a connection costs no large buffers.
const bulkSize = 16 << 20

// errCorrupt is what no broker may do. All other errors are troubles.
var errCorrupt = errors.New("OCTETS DIFFER")

// moved counts the octets that hidden servers have sent, to see when nothing moves any more.
var moved atomic.Int64

// pipe is a TCP connection below TLS. In bulk it reads and writes many records per system call, or
// the generator would be slower than what it measures.
type pipe struct {
	net.Conn
	in   *bufio.Reader
	mu   sync.Mutex // of out and held: TLS may answer a KeyUpdate while we flush
	out  []byte
	held bool
}

func (p *pipe) Read(b []byte) (int, error) {
	if p.in != nil {
		return p.in.Read(b)
	}
	return p.Conn.Read(b)
}

func (p *pipe) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.held {
		return p.Conn.Write(b)
	}
	p.out = append(p.out, b...)
	if len(p.out) >= bulkBuffer {
		return len(b), p.send()
	}
	return len(b), nil
}

func (p *pipe) send() error {
	_, err := p.Conn.Write(p.out)
	p.out = p.out[:0]
	return err
}

func (p *pipe) hold() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held = true
}

func (p *pipe) release() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held = false
	return p.send()
}

// conn is a connection with or without TLS, read through a buffer. It speaks just as much HTTP/1.1
// as the workloads need, so that proxies for HTTP can be measured with the same work.
type conn struct {
	net.Conn
	tls  *tls.Conn // nil on bare TCP
	pipe *pipe
	br   *bufio.Reader
}

func newConn(raw net.Conn, upgrade func(net.Conn) *tls.Conn) (*conn, error) {
	c := &conn{pipe: &pipe{Conn: raw}}
	c.Conn = c.pipe
	if upgrade != nil {
		c.tls = upgrade(c.pipe)
		if err := c.tls.Handshake(); err != nil {
			raw.Close()
			return nil, err
		}
		c.Conn = c.tls
	}
	c.br = bufio.NewReader(c.Conn)
	return c, nil
}

// dial connects, from a socket that takes in little if it is to stall.
func dial(address string, config *tls.Config, limit time.Duration, small bool) (*conn, error) {
	dialer := net.Dialer{Timeout: 20 * time.Second}
	if small {
		dialer.Control = func(_, _ string, raw syscall.RawConn) error {
			return raw.Control(func(fd uintptr) {
				syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 8<<10)
			})
		}
	}
	raw, err := dialer.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	raw.SetDeadline(time.Now().Add(limit))
	if config == nil {
		return newConn(raw, nil)
	}
	return newConn(raw, func(n net.Conn) *tls.Conn { return tls.Client(n, config) })
}

// head is what a request or an answer begins with.
type head struct {
	line   string
	length int64
	close  bool
}

// path is the second word of a request; of an answer, its status.
func (h head) path() string {
	words := strings.SplitN(h.line, " ", 3)
	if len(words) < 2 {
		return ""
	}
	return words[1]
}

func (c *conn) readHead() (head, error) {
	var h head
	for {
		line, err := c.br.ReadSlice('\n')
		if err != nil {
			if len(line) > 0 || h.line != "" {
				err = fmt.Errorf("ended within a head: %w", err)
			}
			return h, err
		}
		line = bytes.TrimRight(line, "\r\n")
		switch {
		case len(line) == 0:
			return h, nil
		case h.line == "":
			h.line = string(line)
		case hasField(line, "content-length:"):
			h.length, err = strconv.ParseInt(string(bytes.TrimSpace(line[15:])), 10, 64)
			if err != nil {
				return h, err
			}
		case hasField(line, "connection:"):
			h.close = bytes.EqualFold(bytes.TrimSpace(line[11:]), []byte("close"))
		}
	}
}

func hasField(line []byte, name string) bool {
	return len(line) >= len(name) && bytes.EqualFold(line[:len(name)], []byte(name))
}

// writeBlocks sends so many octets.
func (c *conn) writeBlocks(total int64) error {
	bulk := total >= bulkSize
	if bulk {
		c.pipe.hold()
	}
	for at := int64(0); at < total; {
		n := int64(bulkBuffer)
		if n > total-at {
			n = total - at
		}
		offset := at % blockLength
		if _, err := c.Write(block[offset : offset+n]); err != nil {
			return err
		}
		at += n
		moved.Add(n)
	}
	if bulk {
		return c.pipe.release()
	}
	return nil
}

// readBlocks receives so many octets and compares each.
func (c *conn) readBlocks(total int64, progress *atomic.Int64) error {
	size := 32 << 10
	if total >= bulkSize {
		size = bulkBuffer
		if c.pipe.in == nil {
			c.pipe.in = bufio.NewReaderSize(c.pipe.Conn, bulkBuffer)
		}
	}
	buffer := make([]byte, size)
	for at := int64(0); at < total; {
		n := len(buffer)
		if int64(n) > total-at {
			n = int(total - at)
		}
		n, err := c.br.Read(buffer[:n])
		if offset := at % blockLength; !bytes.Equal(buffer[:n], block[offset:offset+int64(n)]) {
			return fmt.Errorf("%w between %d and %d", errCorrupt, at, at+int64(n))
		}
		at += int64(n)
		if progress != nil {
			progress.Add(int64(n))
		}
		if err != nil && at < total {
			return fmt.Errorf("ended at %d of %d: %w", at, total, err)
		}
	}
	return nil
}

const smallAnswer = 1024

var (
	small = append([]byte("HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n"+
		"Content-Length: 1024\r\n\r\n"), block[:smallAnswer]...)
	done      = []byte("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	different = []byte("HTTP/1.1 500 Octets differ\r\nContent-Length: 0\r\n\r\n")
	echoing   = []byte("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	notFound  = []byte("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
)

// serve is the hidden server behind every subject: it answers until the connection ends.
func (c *conn) serve() error {
	for {
		request, err := c.readHead()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		switch path := request.path(); {
		case path == "/small":
			_, err = c.Write(small)
		case path == "/echo":
			if _, err = c.Write(echoing); err == nil {
				return c.echo()
			}
		case path == "/up":
			if err = c.readBlocks(request.length, nil); errors.Is(err, errCorrupt) {
				c.Write(different)
				return err
			} else if err == nil {
				_, err = c.Write(done)
			}
		case strings.HasPrefix(path, "/down/"):
			var size int64
			if size, err = strconv.ParseInt(path[6:], 10, 64); err != nil {
				return err
			}
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n"+
				"Content-Length: %d\r\n\r\n", size)
			err = c.writeBlocks(size)
		default:
			_, err = c.Write(notFound)
		}
		if err != nil || request.close {
			return err
		}
	}
}

func (c *conn) echo() error {
	octet := make([]byte, 1)
	for {
		if _, err := c.br.Read(octet); err != nil {
			return nil
		}
		if _, err := c.Write(octet); err != nil {
			return err
		}
	}
}

// client asks, one request after the other.
type client struct {
	*conn
	first []byte // the fields of the first request
	rest  []byte // of further ones
}

func (c *client) send(line, more string) error {
	request := append(make([]byte, 0, 512), line...)
	request = append(request, " HTTP/1.1\r\n"...)
	request = append(request, c.first...)
	c.first = c.rest
	request = append(request, more...)
	request = append(request, "\r\n"...)
	_, err := c.Write(request)
	return err
}

func (c *client) expect(status string) (head, error) {
	answer, err := c.readHead()
	if err == nil && answer.path() != status {
		err = fmt.Errorf("answered %q", answer.line)
	}
	return answer, err
}

// small asks for a kibibyte.
func (c *client) small() error {
	if err := c.send("GET /small", ""); err != nil {
		return err
	}
	answer, err := c.expect("200")
	if err != nil {
		return err
	}
	if answer.length != smallAnswer {
		return fmt.Errorf("%w: %d of %d", errCorrupt, answer.length, smallAnswer)
	}
	octets, err := c.br.Peek(smallAnswer)
	if err != nil {
		return err
	}
	if !bytes.Equal(octets, block[:smallAnswer]) {
		return errCorrupt
	}
	_, err = c.br.Discard(smallAnswer)
	return err
}

func (c *client) ask(size int64) error {
	if err := c.send("GET /down/"+strconv.FormatInt(size, 10), ""); err != nil {
		return err
	}
	answer, err := c.expect("200")
	if err == nil && answer.length != size {
		err = fmt.Errorf("%w: a length of %d, not %d", errCorrupt, answer.length, size)
	}
	return err
}

func (c *client) download(size int64, progress *atomic.Int64) error {
	if err := c.ask(size); err != nil {
		return err
	}
	return c.readBlocks(size, progress)
}

func (c *client) upload(size int64) error {
	length := "Content-Type: application/octet-stream\r\nContent-Length: " + strconv.FormatInt(size, 10) + "\r\n"
	if err := c.send("POST /up", length); err != nil {
		return err
	}
	if err := c.writeBlocks(size); err != nil {
		return err
	}
	_, err := c.expect("200")
	return err
}

// upgrade turns the connection into one that echoes.
func (c *client) upgrade() error {
	if err := c.send("GET /echo", "Connection: Upgrade\r\nUpgrade: echo\r\n"); err != nil {
		return err
	}
	_, err := c.expect("101")
	return err
}
