// The nodes of the lab "echo" in Go: Echo answers, Caller asks.
// They speak the step protocol (docs/reference/step-protocol.md): an event a line in, its effects out.
// Make the program with: go build -o run run.go
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
)

const numbersOfALife = 1 << 32

// Message is a Ping, a Pong, a Say or an AskAgain: each has some of these fields.
type Message struct {
	Type   string  `json:"type"`
	Number int     `json:"number,omitempty"`
	Text   *string `json:"text,omitempty"`
}

// Event is a line to the node.
type Event struct {
	Event     string
	Node      string
	Peers     []string
	Config    Config
	Saved     [][2]json.RawMessage
	Sender    string
	Call      int
	Message   Message
	Timer     Message
	Operation Message
}

// Config has the keyword arguments of the node's constructor that are given.
type Config struct {
	Servers       *struct{ Tuple []string }
	Attempts      *int
	AskAgainAfter *int `json:"ask_again_after"`
}

// Effect is what a node asks for, by the names of the step protocol.
type Effect map[string]any

// Node takes an event and asks for effects.
type Node interface{ handle(Event) []Effect }

func send(to string, message Message) Effect {
	return Effect{"effect": "send", "to": to, "message": message}
}

// Echo answers every Ping with a Pong of the same number and text.
type Echo struct{}

func (Echo) handle(event Event) []Effect {
	if event.Event != "receive" {
		return []Effect{}
	}
	answer := Message{"Pong", event.Message.Number, event.Message.Text}
	return []Effect{send(event.Sender, answer)}
}

type question struct {
	call, attempts, timer int
	text                  *string
}

// Caller asks servers in turn until one answers, or all attempts are used up.
type Caller struct {
	servers                        []string
	attempts, after, number, timer int
	asked                          map[int]*question
}

func newCaller(hello Event) *Caller {
	caller := &Caller{servers: hello.Peers, attempts: 5, after: 100_000, asked: map[int]*question{}}
	if given := hello.Config.Servers; given != nil {
		caller.servers = given.Tuple
	}
	if given := hello.Config.Attempts; given != nil {
		caller.attempts = *given
	}
	if given := hello.Config.AskAgainAfter; given != nil {
		caller.after = *given
	}
	return caller
}

func (c *Caller) handle(event Event) []Effect {
	switch event.Event {
	case "start":
		return c.start(event.Saved)
	case "invoke":
		c.number++
		c.asked[c.number] = &question{call: event.Call, text: event.Operation.Text}
		return c.ask(c.number)
	case "receive":
		return c.answered(event.Message)
	}
	return c.askAgain(event.Timer.Number)
}

func (c *Caller) start(saved [][2]json.RawMessage) []Effect {
	var life struct{ Value int }
	for _, entry := range saved {
		if string(entry[0]) == `"life"` {
			must(json.Unmarshal(entry[1], &life))
		}
	}
	c.number = life.Value * numbersOfALife
	next := map[string]int{"value": life.Value + 1}
	return []Effect{{"effect": "save", "key": "life", "value": next}}
}

func (c *Caller) ask(number int) []Effect {
	asked := c.asked[number]
	server := c.servers[asked.attempts%len(c.servers)]
	c.timer++
	asked.attempts, asked.timer = asked.attempts+1, c.timer
	again := Message{Type: "AskAgain", Number: number}
	return []Effect{
		send(server, Message{"Ping", number, asked.text}),
		{"effect": "set_timer", "id": asked.timer, "after": c.after, "timer": again},
	}
}

func (c *Caller) answered(pong Message) []Effect {
	asked := c.asked[pong.Number]
	if asked == nil {
		return []Effect{}
	}
	delete(c.asked, pong.Number)
	value := map[string]any{"value": pong.Text}
	return []Effect{
		{"effect": "cancel_timer", "id": asked.timer},
		{"effect": "return", "call": asked.call, "outcome": "ok", "value": value},
	}
}

func (c *Caller) askAgain(number int) []Effect {
	asked := c.asked[number]
	if asked == nil {
		return []Effect{}
	}
	if asked.attempts < c.attempts {
		return c.ask(number)
	}
	delete(c.asked, number)
	reason := fmt.Sprintf("no answer to %d questions", asked.attempts)
	return []Effect{{"effect": "return", "call": asked.call, "outcome": "unknown", "reason": reason}}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 8<<20)
	answers := json.NewEncoder(os.Stdout) // writes a line end after each
	var node Node
	for lines.Scan() {
		var event Event
		must(json.Unmarshal(lines.Bytes(), &event))
		switch {
		case event.Event == "status":
			must(answers.Encode(map[string]any{"status": Effect{}}))
		case event.Event != "hello":
			must(answers.Encode(map[string]any{"effects": node.handle(event)}))
		case event.Node == "Echo":
			node = Echo{}
		default:
			node = newCaller(event)
		}
	}
	must(lines.Err())
}
