
¾
google/protobuf/empty.protogoogle.protobuf"
EmptyB}
com.google.protobufB
EmptyProtoPZ.google.golang.org/protobuf/types/known/emptypbø¢GPBªGoogle.Protobuf.WellKnownTypesbproto3
ÿ
google/protobuf/timestamp.protogoogle.protobuf";
	Timestamp
seconds (Rseconds
nanos (RnanosB…
com.google.protobufBTimestampProtoPZ2google.golang.org/protobuf/types/known/timestamppbø¢GPBªGoogle.Protobuf.WellKnownTypesbproto3
Æ
pubsub.protogoogle.pubsub.v1google/protobuf/empty.protogoogle/protobuf/timestamp.proto"
Topic
name (	Rname"'
GetTopicRequest
topic (	Rtopic"´
PubsubMessage
data (RdataO

attributes (2/.google.pubsub.v1.PubsubMessage.AttributesEntryR
attributes

message_id (	R	messageId=
publish_time (2.google.protobuf.TimestampRpublishTime!
ordering_key (	RorderingKey=
AttributesEntry
key (	Rkey
value (	Rvalue:8"c
PublishRequest
topic (	Rtopic;
messages (2.google.pubsub.v1.PubsubMessageRmessages"2
PublishResponse
message_ids (	R
messageIds"j
Subscription
name (	Rname
topic (	Rtopic0
ack_deadline_seconds (RackDeadlineSeconds"<
GetSubscriptionRequest"
subscription (	Rsubscription"Ž
ReceivedMessage
ack_id (	RackId9
message (2.google.pubsub.v1.PubsubMessageRmessage)
delivery_attempt (RdeliveryAttempt"T
PullRequest"
subscription (	Rsubscription!
max_messages (RmaxMessages"^
PullResponseN
received_messages (2!.google.pubsub.v1.ReceivedMessageRreceivedMessages"Q
AcknowledgeRequest"
subscription (	Rsubscription
ack_ids (	RackIds"‰
ModifyAckDeadlineRequest"
subscription (	Rsubscription0
ack_deadline_seconds (RackDeadlineSeconds
ack_ids (	RackIds"’
StreamingPullRequest"
subscription (	Rsubscription
ack_ids (	RackIds=
stream_ack_deadline_seconds (RstreamAckDeadlineSeconds"g
StreamingPullResponseN
received_messages (2!.google.pubsub.v1.ReceivedMessageRreceivedMessages2ä
	Publisher?
CreateTopic.google.pubsub.v1.Topic.google.pubsub.v1.TopicF
GetTopic!.google.pubsub.v1.GetTopicRequest.google.pubsub.v1.TopicN
Publish .google.pubsub.v1.PublishRequest!.google.pubsub.v1.PublishResponse2’

SubscriberT
CreateSubscription.google.pubsub.v1.Subscription.google.pubsub.v1.Subscription[
GetSubscription(.google.pubsub.v1.GetSubscriptionRequest.google.pubsub.v1.SubscriptionE
Pull.google.pubsub.v1.PullRequest.google.pubsub.v1.PullResponsed
StreamingPull&.google.pubsub.v1.StreamingPullRequest'.google.pubsub.v1.StreamingPullResponse(0K
Acknowledge$.google.pubsub.v1.AcknowledgeRequest.google.protobuf.EmptyW
ModifyAckDeadline*.google.pubsub.v1.ModifyAckDeadlineRequest.google.protobuf.Emptybproto3