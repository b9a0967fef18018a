import { type Service, type ServicePlan, servicePlan } from '../contracts/service.js'
import { DefinitionError } from '../errors/definition-error.js'

/** A service as the server was given it: its name there, and what it is started by. */
export interface NamedPlan {
  readonly name: string
  readonly plan: ServicePlan
}

/**
 * The services among what the server was given, each after those that it depends on.
 * @throws DefinitionError for a dependency that is none, and for a circle.
 */
export function serviceOrder(given: Readonly<Record<string, unknown>>): readonly NamedPlan[] {
  const plans = new Map<string, ServicePlan>()
  for (const [name, value] of Object.entries(given)) if (isService(value)) plans.set(name, value[servicePlan])
  const ordered = new Map<string, NamedPlan>()
  const visit = (name: string, trail: readonly string[]): void => {
    if (ordered.has(name)) return
    const plan = plans.get(name)
    if (plan === undefined) return
    const at = trail.indexOf(name)
    if (at !== -1) {
      const circle = [...trail.slice(at), name].map((one) => JSON.stringify(one)).join(' -> ')
      throw new DefinitionError(
        `The services depend on each other in a circle: ${circle}; take one of these out of "dependsOn".`,
      )
    }
    for (const needed of plan.dependsOn) {
      if (!Object.hasOwn(given, needed)) {
        throw new DefinitionError(
          `The service ${JSON.stringify(name)} depends on ${JSON.stringify(needed)}, which the server's "services" do not have; add it there, or take it out of "dependsOn".`,
        )
      }
      visit(needed, [...trail, name])
    }
    ordered.set(name, { name, plan })
  }
  for (const name of plans.keys()) visit(name, [])
  return [...ordered.values()]
}

function isService(value: unknown): value is Service {
  return typeof value === 'object' && value !== null && servicePlan in value
}
