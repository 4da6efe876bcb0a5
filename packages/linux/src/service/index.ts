export { serviceManager, type ServiceManager } from './service-manager.ts';
