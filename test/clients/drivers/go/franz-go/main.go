// The driver of franz-go.
package main

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"time"

	"flotilla/test/clients/contract"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

const commitEvery = 200 * time.Millisecond

var codecs = map[string]kgo.CompressionCodec{
	"none":   kgo.NoCompression(),
	"gzip":   kgo.GzipCompression(),
	"snappy": kgo.SnappyCompression(),
	"lz4":    kgo.Lz4Compression(),
	"zstd":   kgo.ZstdCompression(),
}

func main() {
	contract.Run("github.com/twmb/franz-go", contract.Client{
		Produce: produce,
		Consume: consume,
		Seek:    seek,
		Admin:   administer,
	})
}

func produce(action *contract.Action) error {
	options := []kgo.Opt{
		kgo.SeedBrokers(action.Brokers()...),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(codecs[action.Codec]),
	}
	if action.Codec != "none" {
		options = append(options, kgo.ProducerLinger(50*time.Millisecond))
	}
	if !action.Idempotent {
		options = append(options, kgo.DisableIdempotentWrite())
	}
	client, err := kgo.NewClient(options...)
	if err != nil {
		return err
	}
	defer client.Close()
	ctx := context.Background()
	action.Numbers(func(n int) {
		record := &kgo.Record{
			Topic:     action.Topic,
			Partition: int32(n % action.Partitions),
			Key:       contract.Key(n),
			Value:     contract.Value(n),
		}
		client.Produce(ctx, record, func(_ *kgo.Record, err error) {
			if err != nil {
				contract.FailRecord(n, err)
			} else {
				contract.Print("acked", n)
			}
		})
	})
	if err := client.Flush(ctx); err != nil {
		return err
	}
	contract.Print("done", true)
	return nil
}

func consume(action *contract.Action) error {
	client, err := kgo.NewClient(memberOptions(action)...)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		<-contract.Stopped()
		stop()
	}()
	committedAt := time.Now()
	for ctx.Err() == nil {
		poll(ctx, client)
		if time.Since(committedAt) >= commitEvery {
			commit(client)
			committedAt = time.Now()
		}
		client.AllowRebalance()
	}
	commit(client)
	// Closing leaves the group, unless the membership is static.
	client.CloseAllowingRebalance()
	return nil
}

func memberOptions(action *contract.Action) []kgo.Opt {
	reset := kgo.NewOffset().AtEnd()
	if action.FromStart {
		reset = kgo.NewOffset().AtStart()
	}
	own := &partitions{is: map[int32]bool{}}
	options := []kgo.Opt{
		kgo.SeedBrokers(action.Brokers()...),
		kgo.ConsumerGroup(action.Group),
		kgo.ConsumeTopics(action.Topic),
		kgo.ConsumeResetOffset(reset),
		kgo.DisableAutoCommit(),
		// Nothing is processed for a partition after it was given up.
		kgo.BlockRebalanceOnPoll(),
		kgo.SessionTimeout(10 * time.Second),
		kgo.HeartbeatInterval(500 * time.Millisecond),
		kgo.OnPartitionsAssigned(func(_ context.Context, client *kgo.Client, places map[string][]int32) {
			contract.Assigned(places[action.Topic])
			own.add(places[action.Topic])
			_, generation := client.GroupMetadata()
			contract.Owns(own.all(), generation)
		}),
		kgo.OnPartitionsRevoked(func(_ context.Context, client *kgo.Client, places map[string][]int32) {
			commit(client)
			own.drop(places[action.Topic])
		}),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, places map[string][]int32) {
			own.drop(places[action.Topic])
		}),
	}
	if action.InstanceID != "" {
		options = append(options, kgo.InstanceID(action.InstanceID))
	}
	if action.Protocol == "consumer" {
		options = append(options, kgo.ServerSideBalancer(), kgo.Balancers(kgo.StickyBalancer()))
	}
	return options
}

// partitions that the member has; callbacks come one after the other.
type partitions struct{ is map[int32]bool }

func (own *partitions) add(some []int32) {
	for _, partition := range some {
		own.is[partition] = true
	}
}

func (own *partitions) drop(some []int32) {
	for _, partition := range some {
		delete(own.is, partition)
	}
	contract.Revoked(some)
}

func (own *partitions) all() []int32 { return slices.Collect(maps.Keys(own.is)) }

func poll(ctx context.Context, client *kgo.Client) {
	short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	fetches := client.PollFetches(short)
	fetches.EachRecord(func(record *kgo.Record) {
		contract.Record(record.Partition, record.Offset, record.Value)
	})
	for _, fault := range fetches.Errors() {
		if !errors.Is(fault.Err, context.DeadlineExceeded) && !errors.Is(fault.Err, context.Canceled) {
			contract.Fail(fault.Err)
		}
	}
}

func commit(client *kgo.Client) {
	uncommitted := client.UncommittedOffsets()
	if len(uncommitted) == 0 {
		return
	}
	if err := client.CommitUncommittedOffsets(context.Background()); err != nil {
		contract.Fail(err)
		return
	}
	committed := client.CommittedOffsets()
	for topic, places := range uncommitted {
		for partition := range places {
			if next, is := committed[topic][partition]; is {
				contract.Print("committed", []int64{int64(partition), next.Offset})
			}
		}
	}
}

func seek(action *contract.Action) error {
	ctx := context.Background()
	client, err := kgo.NewClient(kgo.SeedBrokers(action.Brokers()...))
	if err != nil {
		return err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	var listed kadm.ListedOffsets
	err = contract.Again(func() (err error) {
		if listed, err = admin.ListOffsetsAfterMilli(ctx, action.TimestampMs, action.Topic); err == nil {
			err = listed.Error()
		}
		return err
	})
	if err != nil {
		return err
	}
	found := make(map[int32]kgo.Offset)
	listed.Each(func(one kadm.ListedOffset) {
		// Where there is no such record the client answers the end, without a timestamp.
		if one.Timestamp < 0 {
			contract.Print("found", []int64{int64(one.Partition), -1})
			return
		}
		contract.Print("found", []int64{int64(one.Partition), one.Offset})
		found[one.Partition] = kgo.NewOffset().At(one.Offset)
	})
	client.AddConsumePartitions(map[string]map[int32]kgo.Offset{action.Topic: found})
	for len(found) > 0 {
		fetches := client.PollFetches(ctx)
		for _, fault := range fetches.Errors() {
			return fault.Err
		}
		fetches.EachRecord(func(record *kgo.Record) {
			if _, is := found[record.Partition]; !is {
				return
			}
			delete(found, record.Partition)
			contract.Record(record.Partition, record.Offset, record.Value)
		})
	}
	return nil
}

func administer(action *contract.Action) error {
	ctx := context.Background()
	client, err := kgo.NewClient(kgo.SeedBrokers(action.Brokers()...))
	if err != nil {
		return err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	short, long := "60000", "120000"
	configs := map[string]*string{"retention.ms": &short}
	err = contract.Again(func() error {
		_, err := admin.CreateTopic(ctx, 3, 3, configs, action.Topic)
		return err
	}, kerr.TopicAlreadyExists)
	if err != nil {
		return err
	}
	contract.Print("created", true)
	if err := describe(admin, "described", action.Topic, contract.Described{Partitions: 3, RetentionMs: 60_000}); err != nil {
		return err
	}
	change := []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "retention.ms", Value: &long}}
	err = contract.Again(func() error {
		altered, err := admin.AlterTopicConfigs(ctx, change, action.Topic)
		for _, one := range altered {
			err = errors.Join(err, one.Err)
		}
		return err
	})
	if err != nil {
		return err
	}
	err = contract.Again(func() error {
		grown, err := admin.UpdatePartitions(ctx, 5, action.Topic)
		if err == nil {
			err = grown.Error()
		}
		return err
	}, kerr.InvalidPartitions)
	if err != nil {
		return err
	}
	if err := describe(admin, "altered", action.Topic, contract.Described{Partitions: 5, RetentionMs: 120_000}); err != nil {
		return err
	}
	err = contract.Again(func() error {
		_, err := admin.DeleteTopic(ctx, action.Topic)
		return err
	}, kerr.UnknownTopicOrPartition)
	if err != nil {
		return err
	}
	contract.Print("deleted", true)
	return nil
}

func describe(admin *kadm.Client, name, topic string, expected contract.Described) error {
	ctx := context.Background()
	seen, err := contract.Until(expected, func() (contract.Described, error) {
		topics, err := admin.ListTopics(ctx, topic)
		if err == nil {
			err = topics[topic].Err
		}
		if err != nil {
			return contract.Described{}, err
		}
		configs, err := admin.DescribeTopicConfigs(ctx, topic)
		if err != nil {
			return contract.Described{}, err
		}
		seen := contract.Described{Partitions: len(topics[topic].Partitions)}
		described, err := configs.On(topic, nil)
		for _, config := range described.Configs {
			if config.Key == "retention.ms" {
				seen.RetentionMs, _ = strconv.ParseInt(config.MaybeValue(), 10, 64)
			}
		}
		return seen, errors.Join(err, described.Err)
	})
	if err == nil {
		contract.Print(name, seen)
	}
	return err
}
