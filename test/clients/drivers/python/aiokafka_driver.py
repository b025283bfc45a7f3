"""The driver for aiokafka: Python throughout, on asyncio."""

import asyncio
import sys

import aiokafka
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError
from contract import (
    COMMIT_EVERY_S,
    HEARTBEAT_MS,
    INSIST_S_MAX,
    SESSION_MS,
    SHOWN_S_MAX,
    Rebalances,
    drive,
    is_altered,
    is_created,
    key_of,
    name_of,
    portions,
    say,
    tell_found,
    tell_read,
    value_of,
    words_of,
)


def version(_asked):
    say(version=f"aiokafka {aiokafka.__version__}")


async def produce(asked):
    codec = None if asked["codec"] == "none" else asked["codec"]
    producer = AIOKafkaProducer(
        bootstrap_servers=asked["bootstrap"],
        acks="all",
        compression_type=codec,
        linger_ms=0 if codec is None else 50,
        enable_idempotence=asked["idempotent"],
    )
    await producer.start()
    waiting = set()

    async def settle(n, delivery):
        try:
            await delivery
            say(acked=n)
        except Exception as error:
            say(error=words_of(error), n=n)

    for numbers in portions(asked):
        for n in numbers:
            delivery = await producer.send(
                asked["topic"], value_of(n), key_of(n), partition=n % asked["partitions"]
            )
            task = asyncio.ensure_future(settle(n, delivery))
            waiting.add(task)
            task.add_done_callback(waiting.discard)
        await asyncio.sleep(0)
        if len(numbers) == 0:
            await asyncio.sleep(0.01)
    await asyncio.gather(*waiting)
    say(done=True)
    await producer.stop()


class Listener(Rebalances, ConsumerRebalanceListener):
    pass


# Where a start position is to be looked up and the leader has moved, this client asks the old leader again and again without
# looking for the new one (fetcher.py, _update_fetch_positions): only this ends it, five minutes by default.
METADATA_MS_MAX = 2_000


async def consume(asked):
    if asked["protocol"] == "consumer":
        return say(unsupported="aiokafka has the classic protocol only")
    consumer = AIOKafkaConsumer(
        bootstrap_servers=asked["bootstrap"],
        group_id=asked["group"],
        group_instance_id=asked.get("instanceId"),
        enable_auto_commit=False,
        auto_offset_reset="earliest" if asked["fromStart"] else "latest",
        session_timeout_ms=SESSION_MS,
        heartbeat_interval_ms=HEARTBEAT_MS,
        metadata_max_age_ms=METADATA_MS_MAX,
    )
    following = {}
    committed = {}

    async def commit():
        due = {place: offset for place, offset in following.items() if committed.get(place) != offset}
        if not due:
            return
        try:
            await consumer.commit(due)
        except KafkaError as error:
            return say(error=f"commit: {words_of(error)}")
        for place, offset in due.items():
            committed[place] = offset
            say(committed=[place.partition, offset])

    stop = asyncio.Event()
    asyncio.get_running_loop().run_in_executor(None, wait_for_stop, stop, asyncio.get_running_loop())
    consumer.subscribe([asked["topic"]], listener=Listener(commit, following))
    await consumer.start()
    last_commit = asyncio.get_running_loop().time()
    while not stop.is_set():
        try:
            batches = await consumer.getmany(timeout_ms=50)
        except KafkaError as error:
            say(error=words_of(error))
            continue
        for place, records in batches.items():
            for record in records:
                say(record=[place.partition, record.offset, name_of(record.value)])
                following[place] = record.offset + 1
        now = asyncio.get_running_loop().time()
        if now - last_commit > COMMIT_EVERY_S:
            await commit()
            last_commit = now
    await commit()
    await consumer.stop()


def wait_for_stop(stop, loop):
    for line in sys.stdin:
        if line.strip() == "stop":
            break
    loop.call_soon_threadsafe(stop.set)


async def insist(call, is_done=lambda error: False):
    """As in the contract, for coroutines."""
    give_up = asyncio.get_running_loop().time() + INSIST_S_MAX
    tries = 0
    while True:
        try:
            return await call()
        except Exception as error:
            if tries > 0 and is_done(error):
                return None
            if asyncio.get_running_loop().time() > give_up:
                raise
            say(error=words_of(error))
            await asyncio.sleep(0.2)
            tries += 1


async def shown(ask, is_expected):
    give_up = asyncio.get_running_loop().time() + SHOWN_S_MAX
    while True:
        seen = await ask()
        if is_expected(seen) or asyncio.get_running_loop().time() > give_up:
            return seen
        await asyncio.sleep(0.1)


async def seek(asked):
    topic = asked["topic"]
    consumer = AIOKafkaConsumer(
        bootstrap_servers=asked["bootstrap"],
        auto_offset_reset="earliest",
        metadata_max_age_ms=METADATA_MS_MAX,
    )
    await insist(consumer.start)
    await consumer._client.set_topics([topic])
    places = [TopicPartition(topic, p) for p in sorted(consumer.partitions_for_topic(topic))]
    times = {place: asked["timestampMs"] for place in places}
    found = await insist(lambda: consumer.offsets_for_times(times))
    wanted = tell_found(found)
    consumer.assign(list(wanted))
    for place, offset in wanted.items():
        consumer.seek(place, offset)
    while wanted:
        tell_read(await consumer.getmany(timeout_ms=200), wanted)
    await consumer.stop()


def check(response):
    """Answers of this client carry codes that it does not raise."""
    for _topic, code, *rest in response.topic_errors if hasattr(response, "topic_errors") else []:
        if code != 0:
            raise RuntimeError(f"error {code} {rest[0] if rest else ''}")


async def administer(asked):
    topic = asked["topic"]
    admin = AIOKafkaAdminClient(bootstrap_servers=asked["bootstrap"])
    await insist(admin.start)

    async def create():
        new = NewTopic(topic, 3, 3, topic_configs={"retention.ms": "60000"})
        check(await admin.create_topics([new]))

    async def described():
        [about] = await admin.describe_topics([topic])
        resource = ConfigResource(ConfigResourceType.TOPIC, topic)
        retention = None
        for response in await admin.describe_configs([resource]):
            for _code, _message, _kind, _name, entries in response.resources:
                for name, value, *_rest in entries:
                    if name == "retention.ms":
                        retention = int(value)
        return {"partitions": len(about["partitions"]), "retentionMs": retention}

    async def alter():
        resource = ConfigResource(ConfigResourceType.TOPIC, topic, configs={"retention.ms": "120000"})
        for response in await admin.alter_configs([resource]):
            for code, message, *_rest in response.resources:
                if code != 0:
                    raise RuntimeError(f"error {code} {message}")

    async def enlarge():
        response = await admin.create_partitions({topic: NewPartitions(5)})
        for _topic, code, message in response.topic_errors:
            if code != 0:
                raise RuntimeError(f"error {code} {message}")

    async def delete():
        response = await admin.delete_topics([topic])
        for _topic, code, *_rest in response.topic_error_codes:
            if code != 0:
                raise RuntimeError(f"error {code}")

    def says(text):
        return lambda error: text in words_of(error)

    await insist(create, says("error 36"))
    say(created=True)
    say(described=await insist(lambda: shown(described, is_created)))
    await insist(alter)
    await insist(enlarge, says("error 37"))
    say(altered=await insist(lambda: shown(described, is_altered)))
    await insist(delete, says("error 3"))
    say(deleted=True)
    await admin.close()


def run(act):
    return lambda asked: asyncio.run(act(asked))


drive(
    {
        "version": version,
        "produce": run(produce),
        "consume": run(consume),
        "seek": run(seek),
        "admin": run(administer),
    }
)
