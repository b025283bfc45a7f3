// Package contract is what both Go drivers share: reading the action, printing lines, and the pace of a producer.
// The contract itself is in ../../README.md.
package contract

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"
)

// Action is every action's fields; an action leaves out those it does not have.
type Action struct {
	Action      string
	Bootstrap   string
	Topic       string
	Partitions  int
	First       int
	Count       int
	Codec       string
	Idempotent  bool
	PerSecond   int
	Group       string
	Protocol    string
	FromStart   bool
	InstanceID  string
	TimestampMs int64
}

// Brokers are the addresses of Bootstrap.
func (action *Action) Brokers() []string { return strings.Split(action.Bootstrap, ",") }

// Client is what a driver knows to do.
type Client struct {
	Produce func(*Action) error
	Consume func(*Action) error
	Seek    func(*Action) error
	Admin   func(*Action) error
}

// Run does the action of the last argument. An error ends the program.
func Run(module string, client Client) {
	action := &Action{}
	err := json.Unmarshal([]byte(os.Args[len(os.Args)-1]), action)
	if err == nil {
		err = client.run(module, action)
	}
	if err != nil {
		Fail(err)
		os.Exit(1)
	}
}

func (client *Client) run(module string, action *Action) error {
	switch action.Action {
	case "version":
		Print("version", versionOf(module))
		return nil
	case "produce":
		return client.Produce(action)
	case "consume":
		return client.Consume(action)
	case "seek":
		return client.Seek(action)
	case "admin":
		return client.Admin(action)
	default:
		Print("unsupported", "there is no such action")
		return nil
	}
}

// versionOf a module that the program was built with.
func versionOf(module string) string {
	built, _ := debug.ReadBuildInfo()
	for _, one := range built.Deps {
		if one.Path == module {
			return module[strings.LastIndex(module, "/")+1:] + " " + one.Version
		}
	}
	return "?"
}

var output sync.Mutex

// Print writes one line: `{"name": value}`.
func Print(name string, value any) { print(map[string]any{name: value}) }

// Fail prints an error that reached the application.
func Fail(err error) { Print("error", err.Error()) }

// FailRecord prints the error of one record.
func FailRecord(n int, err error) { print(map[string]any{"error": err.Error(), "n": n}) }

// Owns prints all partitions of a member in a generation.
func Owns(partitions []int32, generation int32) {
	print(map[string]any{"owns": sorted(partitions), "generation": generation})
}

// Assigned and Revoked print partitions that a member has from now on, or no longer.
func Assigned(partitions []int32) { Print("assigned", sorted(partitions)) }

// Revoked is the opposite of Assigned.
func Revoked(partitions []int32) {
	if len(partitions) > 0 {
		Print("revoked", sorted(partitions))
	}
}

// Record prints a record that was processed.
func Record(partition int32, offset int64, value []byte) {
	name, _, _ := strings.Cut(string(value), ":")
	Print("record", []any{partition, offset, name})
}

func print(line map[string]any) {
	text, err := json.Marshal(line)
	if err != nil {
		panic(err)
	}
	output.Lock()
	defer output.Unlock()
	os.Stdout.Write(append(text, '\n'))
}

func sorted(partitions []int32) []int32 {
	copied := append([]int32{}, partitions...)
	slices.Sort(copied)
	return copied
}

// Key and Value of record n.
func Key(n int) []byte { return fmt.Appendf(nil, "k%d", n) }

var padding = ":" + strings.Repeat("x", 100)

// Value of record n.
func Value(n int) []byte { return fmt.Appendf(nil, "v%d%s", n, padding) }

// Numbers calls send for each record of the action, at its pace, in portions of 20 ms.
func (action *Action) Numbers(send func(n int)) {
	began := time.Now()
	for sent := range action.Count {
		for action.PerSecond > 0 &&
			float64(sent) >= float64(action.PerSecond)*(time.Since(began).Seconds()+0.02) {
			time.Sleep(20 * time.Millisecond)
		}
		send(action.First + sent)
	}
}

// Stopped is closed at a line on standard input, or at its end.
func Stopped() <-chan struct{} {
	stopped := make(chan struct{})
	go func() {
		bufio.NewReader(os.Stdin).ReadString('\n')
		close(stopped)
	}()
	return stopped
}

const givesUpAfter = 20 * time.Second

// Again calls until it succeeds, as applications do where a client gives up, and tells of each failure. What done accepts
// in a later call shows that an earlier one had succeeded unseen.
func Again(call func() error, done ...error) error {
	giveUpAt := time.Now().Add(givesUpAfter)
	for isRepeat := false; ; isRepeat = true {
		err := call()
		if isRepeat && slices.ContainsFunc(done, func(one error) bool { return errors.Is(err, one) }) {
			return nil
		}
		if err == nil || time.Now().After(giveUpAt) {
			return err
		}
		Fail(err)
		time.Sleep(100 * time.Millisecond)
	}
}

// Described is what brokers say of a topic.
type Described struct {
	Partitions  int   `json:"partitions"`
	RetentionMs int64 `json:"retentionMs"`
}

const seenWithin = 5 * time.Second

// Until asks again while the answer is another one, because brokers hear of a change one after the other.
func Until(expected Described, ask func() (Described, error)) (Described, error) {
	giveUpAt := time.Now().Add(seenWithin)
	for {
		seen, err := ask()
		if err == nil && seen == expected || time.Now().After(giveUpAt) {
			return seen, err
		}
		time.Sleep(50 * time.Millisecond)
	}
}
