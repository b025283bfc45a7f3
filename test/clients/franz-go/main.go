// A small program for the client matrix: administration, an idempotent producer, and a consumer group, with franz-go.
//
//	program admin BROKERS TOPIC
//	program many BROKERS TOPIC COUNT
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) < 4 {
		log.Fatal("program admin|many BROKERS TOPIC [COUNT]")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 110*time.Second)
	defer cancel()
	brokers, topic := strings.Split(os.Args[2], ","), os.Args[3]
	var err error
	if os.Args[1] == "admin" {
		err = administer(ctx, brokers, topic)
	} else {
		count, _ := strconv.Atoi(os.Args[4])
		if err = produce(ctx, brokers, topic, count); err == nil {
			err = consume(ctx, brokers, topic, count)
		}
	}
	if err != nil {
		log.Fatal(err)
	}
}

func administer(ctx context.Context, brokers []string, topic string) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...))
	if err != nil {
		return err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	if _, err := admin.CreateTopic(ctx, 2, 3, nil, topic); err != nil {
		return err
	}
	described, err := admin.Metadata(ctx, topic)
	if err != nil {
		return err
	}
	if _, err := admin.DeleteTopic(ctx, topic); err != nil {
		return err
	}
	partitions := len(described.Topics[topic].Partitions)
	fmt.Printf("partitions=%d brokers=%d deleted\n", partitions, len(described.Brokers))
	return nil
}

func produce(ctx context.Context, brokers []string, topic string, count int) error {
	// Uncompressed, so that the matrix can read what was stored and check its order.
	plain := kgo.ProducerBatchCompression(kgo.NoCompression())
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.DefaultProduceTopic(topic), plain)
	if err != nil {
		return err
	}
	defer client.Close()
	var first error
	for k := 0; k < count; k++ {
		value := []byte(fmt.Sprintf("value-%06d", k))
		client.Produce(ctx, &kgo.Record{Key: value, Value: value}, func(_ *kgo.Record, err error) {
			if err != nil && first == nil {
				first = err
			}
		})
	}
	if err := client.Flush(ctx); err != nil {
		return err
	}
	return first
}

func consume(ctx context.Context, brokers []string, topic string, count int) error {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(brokers...),
		kgo.ConsumeTopics(topic),
		kgo.ConsumerGroup(topic+"-readers"),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
	)
	if err != nil {
		return err
	}
	defer client.Close()
	seen := make(map[string]bool, count)
	for len(seen) < count {
		fetches := client.PollFetches(ctx)
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("%d values: %w", len(seen), err)
		}
		for _, fault := range fetches.Errors() {
			return fault.Err
		}
		fetches.EachRecord(func(record *kgo.Record) { seen[string(record.Value)] = true })
	}
	if err := client.CommitUncommittedOffsets(ctx); err != nil {
		return err
	}
	fmt.Printf("consumed=%d\n", len(seen))
	return nil
}
