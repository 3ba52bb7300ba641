import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'

/** One client for each environment, made at cold start. */
export const documentClient = () => DynamoDBDocumentClient.from(new DynamoDBClient({}))
