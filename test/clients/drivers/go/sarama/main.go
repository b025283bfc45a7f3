// The driver of sarama.
package main

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"flotilla/test/clients/contract"
	"github.com/IBM/sarama"
)

const commitEvery = 200 * time.Millisecond

var codecs = map[string]sarama.CompressionCodec{
	"none":   sarama.CompressionNone,
	"gzip":   sarama.CompressionGZIP,
	"snappy": sarama.CompressionSnappy,
	"lz4":    sarama.CompressionLZ4,
	"zstd":   sarama.CompressionZSTD,
}

func main() {
	contract.Run("github.com/IBM/sarama", contract.Client{
		Produce: produce,
		Consume: consume,
		Seek:    seek,
		Admin:   administer,
	})
}

func produce(action *contract.Action) error {
	config := sarama.NewConfig()
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Partitioner = sarama.NewManualPartitioner
	config.Producer.Compression = codecs[action.Codec]
	config.Producer.Return.Successes = true
	if action.Codec != "none" {
		config.Producer.Flush.Frequency = 50 * time.Millisecond
	}
	if action.Idempotent {
		config.Producer.Idempotent = true
		// The client demands it.
		config.Net.MaxOpenRequests = 1
	}
	producer, err := sarama.NewAsyncProducer(action.Brokers(), config)
	if err != nil {
		return err
	}
	var printing sync.WaitGroup
	printing.Go(func() {
		for message := range producer.Successes() {
			contract.Print("acked", message.Metadata)
		}
	})
	printing.Go(func() {
		for fault := range producer.Errors() {
			contract.FailRecord(fault.Msg.Metadata.(int), fault.Err)
		}
	})
	action.Numbers(func(n int) {
		producer.Input() <- &sarama.ProducerMessage{
			Topic:     action.Topic,
			Partition: int32(n % action.Partitions),
			Key:       sarama.ByteEncoder(contract.Key(n)),
			Value:     sarama.ByteEncoder(contract.Value(n)),
			Metadata:  n,
		}
	})
	producer.AsyncClose()
	printing.Wait()
	contract.Print("done", true)
	return nil
}

// member is what the client calls back in each generation.
type member struct {
	action *contract.Action
	admin  sarama.ClusterAdmin
	// marked and not yet seen as committed; claims are consumed by goroutines of their own.
	lock   sync.Mutex
	marked map[int32]int64
}

func consume(action *contract.Action) error {
	if action.Protocol == "consumer" {
		contract.Print("unsupported", "sarama's consumer groups speak the classic protocol only")
		return nil
	}
	config := sarama.NewConfig()
	config.Consumer.Return.Errors = true
	config.Consumer.Offsets.AutoCommit.Enable = false
	config.Consumer.Group.Session.Timeout = 10 * time.Second
	config.Consumer.Group.Heartbeat.Interval = 500 * time.Millisecond
	config.Consumer.Group.InstanceId = action.InstanceID
	if action.FromStart {
		config.Consumer.Offsets.Initial = sarama.OffsetOldest
	}
	group, err := sarama.NewConsumerGroup(action.Brokers(), action.Group, config)
	if err != nil {
		return err
	}
	admin, err := sarama.NewClusterAdmin(action.Brokers(), config)
	if err != nil {
		return err
	}
	defer admin.Close()
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		<-contract.Stopped()
		stop()
	}()
	go func() {
		for fault := range group.Errors() {
			contract.Fail(fault)
		}
	}()
	self := &member{action: action, admin: admin, marked: map[int32]int64{}}
	for ctx.Err() == nil {
		if err := group.Consume(ctx, []string{action.Topic}, self); err != nil {
			contract.Fail(err)
			time.Sleep(100 * time.Millisecond)
		}
	}
	return group.Close()
}

func (self *member) Setup(session sarama.ConsumerGroupSession) error {
	claims := session.Claims()[self.action.Topic]
	contract.Assigned(claims)
	contract.Owns(claims, session.GenerationID())
	go func() {
		for session.Context().Err() == nil {
			time.Sleep(commitEvery)
			self.commit(session)
		}
	}()
	return nil
}

func (self *member) Cleanup(session sarama.ConsumerGroupSession) error {
	self.commit(session)
	self.lock.Lock()
	clear(self.marked)
	self.lock.Unlock()
	contract.Revoked(session.Claims()[self.action.Topic])
	return nil
}

func (self *member) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for {
		select {
		case message, is := <-claim.Messages():
			if !is {
				return nil
			}
			contract.Record(message.Partition, message.Offset, message.Value)
			session.MarkMessage(message, "")
			self.lock.Lock()
			self.marked[message.Partition] = message.Offset + 1
			self.lock.Unlock()
		case <-session.Context().Done():
			return nil
		}
	}
}

// commit, and ask what is committed: the client does not tell an application whether a commit succeeded.
func (self *member) commit(session sarama.ConsumerGroupSession) {
	self.lock.Lock()
	marked := self.marked
	self.marked = map[int32]int64{}
	self.lock.Unlock()
	if len(marked) == 0 {
		return
	}
	session.Commit()
	topic := self.action.Topic
	answer, err := self.admin.ListConsumerGroupOffsets(
		self.action.Group, map[string][]int32{topic: session.Claims()[topic]})
	if err != nil {
		contract.Fail(fmt.Errorf("what is committed: %w", err))
		return
	}
	self.lock.Lock()
	defer self.lock.Unlock()
	for partition, next := range marked {
		block := answer.GetBlock(topic, partition)
		if block != nil && block.Offset >= next {
			contract.Print("committed", []int64{int64(partition), next})
		} else if _, is := self.marked[partition]; !is {
			self.marked[partition] = next
		}
	}
}

func seek(action *contract.Action) error {
	client, err := sarama.NewClient(action.Brokers(), sarama.NewConfig())
	if err != nil {
		return err
	}
	defer client.Close()
	consumer, err := sarama.NewConsumerFromClient(client)
	if err != nil {
		return err
	}
	partitions, err := client.Partitions(action.Topic)
	if err != nil {
		return err
	}
	for _, partition := range partitions {
		var offset int64
		err := contract.Again(func() (err error) {
			offset, err = client.GetOffset(action.Topic, partition, action.TimestampMs)
			return err
		})
		if err != nil {
			return err
		}
		contract.Print("found", []int64{int64(partition), offset})
		if offset < 0 {
			continue
		}
		var claim sarama.PartitionConsumer
		err = contract.Again(func() (err error) {
			claim, err = consumer.ConsumePartition(action.Topic, partition, offset)
			return err
		})
		if err != nil {
			return err
		}
		message := <-claim.Messages()
		contract.Record(message.Partition, message.Offset, message.Value)
		if err := claim.Close(); err != nil {
			return err
		}
	}
	return nil
}

func administer(action *contract.Action) error {
	admin, err := sarama.NewClusterAdmin(action.Brokers(), sarama.NewConfig())
	if err != nil {
		return err
	}
	defer admin.Close()
	topic, short, long := action.Topic, "60000", "120000"
	detail := &sarama.TopicDetail{
		NumPartitions:     3,
		ReplicationFactor: 3,
		ConfigEntries:     map[string]*string{"retention.ms": &short},
	}
	err = contract.Again(func() error {
		return admin.CreateTopic(topic, detail, false)
	}, sarama.ErrTopicAlreadyExists)
	if err != nil {
		return err
	}
	contract.Print("created", true)
	if err := describe(admin, "described", topic, contract.Described{Partitions: 3, RetentionMs: 60_000}); err != nil {
		return err
	}
	change := map[string]sarama.IncrementalAlterConfigsEntry{
		"retention.ms": {Operation: sarama.IncrementalAlterConfigsOperationSet, Value: &long},
	}
	err = contract.Again(func() error {
		return admin.IncrementalAlterConfig(sarama.TopicResource, topic, change, false)
	})
	if err != nil {
		return err
	}
	err = contract.Again(func() error {
		return admin.CreatePartitions(topic, 5, nil, false)
	}, sarama.ErrInvalidPartitions)
	if err != nil {
		return err
	}
	if err := describe(admin, "altered", topic, contract.Described{Partitions: 5, RetentionMs: 120_000}); err != nil {
		return err
	}
	err = contract.Again(func() error {
		return admin.DeleteTopic(topic)
	}, sarama.ErrUnknownTopicOrPartition)
	if err != nil {
		return err
	}
	contract.Print("deleted", true)
	return nil
}

func describe(admin sarama.ClusterAdmin, name, topic string, expected contract.Described) error {
	seen, err := contract.Until(expected, func() (contract.Described, error) {
		topics, err := admin.DescribeTopics([]string{topic})
		if err != nil {
			return contract.Described{}, err
		}
		if topics[0].Err != sarama.ErrNoError {
			return contract.Described{}, topics[0].Err
		}
		resource := sarama.ConfigResource{Type: sarama.TopicResource, Name: topic}
		configs, err := admin.DescribeConfig(resource)
		if err != nil {
			return contract.Described{}, err
		}
		seen := contract.Described{Partitions: len(topics[0].Partitions)}
		for _, config := range configs {
			if config.Name == "retention.ms" {
				seen.RetentionMs, err = strconv.ParseInt(config.Value, 10, 64)
			}
		}
		return seen, err
	})
	if err == nil {
		contract.Print(name, seen)
	}
	return err
}
