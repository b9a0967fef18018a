import type * as official from '@modelcontextprotocol/client'
import type * as ours from 'holdfast'
import { describe, expectTypeOf, it } from 'vitest'

describe('probe', () => {
  it('sent', () => {
    expectTypeOf<ours.Icon>().toExtend<official.Icon>()
    expectTypeOf<ours.Implementation>().toExtend<official.Implementation>()
    expectTypeOf<ours.Annotations>().toExtend<official.Annotations>()
    expectTypeOf<ours.TextContent>().toExtend<official.TextContent>()
    expectTypeOf<ours.ContentBlock>().toExtend<official.ContentBlock>()
    expectTypeOf<ours.ResourceContents>().toExtend<official.ResourceContents>()
    expectTypeOf<ours.EmbeddedResource>().toExtend<official.EmbeddedResource>()
    expectTypeOf<ours.Resource>().toExtend<official.Resource>()
    expectTypeOf<ours.ResourceLink>().toExtend<official.ResourceLink>()
    expectTypeOf<ours.ResourceTemplate>().toExtend<official.ResourceTemplateType>()
    expectTypeOf<ours.ToolAnnotations>().toExtend<official.ToolAnnotations>()
    expectTypeOf<ours.Tool>().toExtend<official.Tool>()
    expectTypeOf<ours.Prompt>().toExtend<official.Prompt>()
    expectTypeOf<ours.PromptMessage>().toExtend<official.PromptMessage>()
    expectTypeOf<ours.ServerCapabilities>().toExtend<official.ServerCapabilities>()
  })
  it('taken', () => {
    expectTypeOf<official.ClientCapabilities>().toExtend<ours.ClientCapabilities>()
    expectTypeOf<official.Implementation>().toExtend<ours.Implementation>()
  })
})
